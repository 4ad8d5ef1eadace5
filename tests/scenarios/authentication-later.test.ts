import { expect, test } from "bun:test";
import type { ProtocolError } from "../../src/core/reason.ts";
import type { Credentials } from "../../src/server/auth.ts";
import type { TestClient } from "../support/client.ts";
import { endOf } from "../support/mortal.ts";
import { World } from "../support/world.ts";

type Answer = (refused: ProtocolError | null) => void;

/** A broker for which the test decides each authentication. */
function scene(): { world: World; asked: { credentials: Credentials; answer: Answer }[] } {
  const asked: { credentials: Credentials; answer: Answer }[] = [];
  const world = new World({
    authenticate: (credentials, answer) => void asked.push({ credentials, answer }),
  });
  return { world, asked };
}

/** Some client gets all messages. */
function watchedScene(): ReturnType<typeof scene> & { watcher: TestClient } {
  const { world, asked } = scene();
  const watcher = world.open();
  watcher.connect({ clientId: "w" });
  asked[0]?.answer(null);
  watcher.subscribe("#");
  watcher.take("connack");
  return { world, asked, watcher };
}

const denied = { reason: 0x86, statement: "v5-3.1.4-2", detail: "wrong password" } as const;

function talk(client: TestClient): void {
  client.connect({ clientId: "a", username: "u", password: Buffer.from([1, 2, 255]) });
  client.send({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 1 }] });
  client.publish("t", "early", { qos: 1, messageId: 2 });
  client.ping();
}

test("packets that arrive before the verdict wait for it, and are handled in order", () => {
  const { world, asked } = scene();
  const client = world.open();
  talk(client);
  expect(client.received).toEqual([]);
  expect(client.paused).toBe(true);
  expect(asked[0]?.credentials).toEqual(
    expect.objectContaining({
      clientId: "a",
      username: "u",
      password: Uint8Array.of(1, 2, 255),
      listener: expect.objectContaining({ allowAnonymous: true }),
      remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      isLocal: true,
    }),
  );
  world.advance(3000);
  asked[0]?.answer(null);
  world.check();
  expect(client.received.map(({ cmd }) => cmd)).toEqual([
    "connack",
    "suback",
    "publish",
    "puback",
    "pingresp",
  ]);
  expect(client.paused).toBe(false);
});

test("after a refusal, packets that arrived meanwhile are not handled", () => {
  const { world, asked, watcher } = watchedScene();
  const client = world.open();
  talk(client);
  asked[1]?.answer(denied);
  world.check();
  expect(client.received).toMatchObject([{ cmd: "connack", returnCode: 4 }]);
  expect(client.closedBy).toBe("end");
  expect(watcher.messages()).toEqual([]);
});

test("a verdict may take limits.authenticationTimeout; a late one changes nothing", () => {
  const { world, asked } = scene();
  const client = world.open();
  world.advance(5000);
  client.connect({ clientId: "a" });
  world.advance(29_999);
  expect(client.closedBy).toBeNull();
  world.advance(1);
  expect(client.closedBy).toBe("end");
  expect(world.noted("ended")).toMatchObject([
    {
      cause: "connectTimeout",
      detail: "its credentials were not checked in time",
      wasConnected: false,
    },
  ]);
  asked[0]?.answer(null);
  world.check();
  expect(client.received).toEqual([]);
  expect(world.broker.view()).toMatchObject({ connections: [], sessions: [] });
});

test("a late verdict does not accept the next client with the same connection number", () => {
  const { world, asked } = scene();
  const first = world.open();
  first.connect({ clientId: "a" });
  first.drop();
  const second = world.open();
  second.connect({ clientId: "b" });
  expect(world.broker.view().connections).toMatchObject([{ connection: 0, clientId: "b" }]);
  asked[0]?.answer(null);
  world.check();
  expect(second.received).toEqual([]);
  asked[1]?.answer(null);
  world.check();
  expect(second.take("connack")).toHaveLength(1);
  expect(world.broker.view().sessions).toMatchObject([{ clientId: "b" }]);
});

test("a client that closes before its verdict leaves nothing: no session, no will", () => {
  const { world, asked } = scene();
  const client = world.open();
  client.connect({
    clientId: "a",
    clean: false,
    will: { topic: "t", payload: Buffer.from("x"), qos: 0, retain: true },
  });
  client.drop();
  asked[0]?.answer(null);
  world.check();
  expect(world.broker.view()).toMatchObject({
    connections: [],
    sessions: [],
    retained: { messages: 0 },
    deadlines: 0,
  });
});

test("a client that closes behind its CONNECT ends before its verdict, and takes no memory", () => {
  const { world, asked } = scene();
  const client = world.open();
  const will = { topic: "t", payload: Buffer.alloc(50_000), qos: 0, retain: false } as const;
  client.connect({ clientId: "a", will });
  expect(world.broker.memory.total).toBeGreaterThan(50_000);
  client.drop("eof");
  expect(world.broker.memory.connections.bytes).toBe(0);
  asked[0]?.answer(null);
  world.check();
  expect(endOf(world, client)).toMatchObject({ cause: "closedByPeer", wasConnected: false });
  expect(world.broker.view().sessions).toEqual([]);
});

test("a client that closes before its verdict is told to who checks, once", () => {
  const { world, asked } = scene();
  const gone: string[] = [];
  for (const clientId of ["a", "b"]) {
    const client = world.open();
    client.connect({ clientId });
    // It is read on, or nobody would notice.
    expect(client.paused).toBe(false);
    asked.at(-1)?.credentials.whenGone(() => gone.push(clientId));
    if (clientId === "b") asked.at(-1)?.answer(null);
    world.check();
    client.drop();
  }
  expect(gone).toEqual(["a"]);
  asked[0]?.answer(null);
  expect(world.noted("connected")).toHaveLength(1);
});

test("what a client has sent before it closed waits for the verdict", () => {
  const { world, asked, watcher } = watchedScene();
  for (const verdict of [null, denied]) {
    const client = world.open();
    client.connect({ clientId: "hasty" });
    client.publish("t", verdict === null ? "right" : "wrong", { qos: 0 });
    client.send({ cmd: "disconnect" });
    client.drop();
    world.advance(1000);
    expect(watcher.messages()).toEqual([]);
    asked.at(-1)?.answer(verdict);
    world.check();
    const said = watcher.messages();
    expect(said).toEqual(verdict === null ? ["t=right"] : []);
    expect(world.broker.view().connections).toHaveLength(1);
  }
});

test("a stop does not wait for the verdict on a client that is gone", () => {
  const { world, asked } = scene();
  const client = world.open();
  client.connect({ clientId: "hasty" });
  client.publish("t", "x", { qos: 0 });
  client.drop();
  world.driver.order({ type: "stopping" });
  world.check();
  expect(world.broker.view().connections).toEqual([]);
  asked[0]?.answer(null);
  world.check();
});

test("much that arrives before the verdict stops the link", () => {
  const { world } = scene();
  const client = world.open();
  client.connect({ clientId: "a" });
  for (let sent = 0; !client.paused; sent += 1024) {
    expect(sent).toBeLessThan(64 * 1024);
    client.publish("t", "x".repeat(1024), { qos: 0 });
  }
});

test("other clients are served meanwhile", () => {
  const { world, asked } = scene();
  const slow = world.open();
  slow.connect({ clientId: "slow" });
  const quick = world.open();
  quick.connect({ clientId: "quick" });
  asked[1]?.answer(null);
  world.check();
  expect(quick.take("connack")).toHaveLength(1);
  quick.ping();
  expect(quick.take("pingresp")).toHaveLength(1);
  expect(slow.received).toEqual([]);
});

test("the keepalive starts at the verdict", () => {
  const { world, asked } = scene();
  const client = world.open();
  client.connect({ clientId: "a", keepalive: 4 });
  world.advance(9000);
  asked[0]?.answer(null);
  world.check();
  world.advance(5999);
  expect(client.closedBy).toBeNull();
  world.advance(1);
  expect(client.closedBy).toBe("end");
});

test("two clients with one id: the later verdict takes over", () => {
  const { world, asked } = scene();
  const [first, second] = [world.open(), world.open()];
  for (const client of [first, second]) client.connect({ clientId: "a", protocolVersion: 5 });
  asked[1]?.answer(null);
  asked[0]?.answer(null);
  world.check();
  expect(second.received.map(({ cmd }) => cmd)).toEqual(["connack", "disconnect"]);
  expect(first.received.map(({ cmd }) => cmd)).toEqual(["connack"]);
});

test("a late answer waits for what had arrived on the connection that it takes over", () => {
  const { world, asked } = scene();
  const old = world.open();
  const will = { topic: "wills/a", payload: Buffer.from("gone"), qos: 0, retain: false } as const;
  old.connect({ clientId: "a", will });
  asked[0]?.answer(null);
  const next = world.open();
  next.connect({ clientId: "a" });
  // Its DISCONNECT waits in the link when the answer comes.
  old.isBehind = true;
  asked[1]?.answer(null);
  world.check();
  expect(next.received).toEqual([]);
  old.isBehind = false;
  old.send({ cmd: "disconnect" });
  world.advance(100);
  expect(next.take("connack")).toMatchObject([{ returnCode: 0 }]);
  expect(endOf(world, old)).toMatchObject({ cause: "disconnected", will: { fate: "discarded" } });
});

test("a late refusal takes nothing over, and waits for nothing", () => {
  const { world, asked } = scene();
  const old = world.open();
  old.connect({ clientId: "a" });
  asked[0]?.answer(null);
  const next = world.open();
  next.connect({ clientId: "a" });
  old.isBehind = true;
  asked[1]?.answer(denied);
  world.check();
  expect(next.received).toMatchObject([{ cmd: "connack", returnCode: 4 }]);
  expect(old.closedBy).toBeNull();
});

test("the certificate's name counts for a CONNECT that waits for its turn, too", () => {
  const world = new World();
  const old = world.open();
  old.connect({ clientId: "a" });
  old.isBehind = true;
  const next = world.open();
  next.identity = "dev-7";
  next.connect({ clientId: "a", username: "admin" });
  expect(next.received).toEqual([]);
  old.isBehind = false;
  world.advance(100);
  expect(next.take("connack")).toMatchObject([{ returnCode: 0 }]);
  expect(world.broker.sessions.get("a")?.username).toBe("dev-7");
});
