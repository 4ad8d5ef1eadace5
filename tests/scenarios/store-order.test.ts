import { expect, test } from "bun:test";
import type { Packet } from "mqtt-packet";
import { StoredWorld, subscribed, watched } from "../support/held-store.ts";
import type { TestClient } from "../support/client.ts";

const properties = { sessionExpiryInterval: 60 };
const lasting = { clean: false, protocolVersion: 5, properties } as const;

test("clients whose sessions end with their connections cost no commit", () => {
  const world = new StoredWorld();
  const [subscriber, publisher] = [world.open(), world.open()];
  expect(subscriber.connect({ clientId: "s" })).toBeDefined();
  subscriber.subscribe({ topic: "t", qos: 2 });
  publisher.connect({ clientId: "p" });
  for (const qos of [1, 2] as const) publisher.publish("t", "x", { qos });
  expect(subscriber.messages()).toEqual(["t=x", "t=x"]);
  expect(publisher.received.map(({ cmd }) => cmd)).toEqual(["puback", "pubrec"]);
  subscriber.drop();
  publisher.send({ cmd: "disconnect" });
  world.advance(100);
  expect(world.store.batches).toBe(0);
});

test("CONNACK and SUBACK leave once the session is kept", () => {
  const world = new StoredWorld();
  const client = world.open();
  expect(client.connect({ clientId: "a", ...lasting })).toBeUndefined();
  client.ping();
  expect(client.received).toEqual([]);
  world.keep();
  expect(client.received.map(({ cmd }) => cmd)).toEqual(["connack", "pingresp"]);
  expect(client.subscribe("t")).toBeUndefined();
  expect(world.store.kept.subscriptions.size).toBe(0);
  world.keep();
  expect(client.take("suback")).toHaveLength(1);
  expect(world.store.kept.subscriptions.size).toBe(1);
});

test("a client with a will and no lasting session is connected once the will is kept", () => {
  const world = new StoredWorld();
  const client = world.open();
  client.connect({
    clientId: "a",
    will: { topic: "w", payload: Buffer.from("x"), qos: 0, retain: false },
  });
  expect(client.received).toEqual([]);
  world.keep();
  expect(client.received).toMatchObject([{ cmd: "connack" }]);
  expect([...world.store.kept.wills.values()]).toMatchObject([{ topic: "w", ended: null }]);
});

test("PUBACK waits for the commit; the PUBLISH of QoS 1 that it answers does not", () => {
  const world = new StoredWorld();
  const subscriber = subscribed(world, "s", 1);
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  publisher.publish("t", "x", { qos: 1, messageId: 7 });
  expect(subscriber.messages()).toEqual(["t=x"]);
  publisher.ping();
  expect(publisher.received).toEqual([]);
  expect(world.store.kept.messages.size).toBe(0);
  world.keep();
  expect(publisher.received).toMatchObject([{ cmd: "puback", messageId: 7 }, { cmd: "pingresp" }]);
  expect([...world.store.kept.messages.values()]).toMatchObject([{ topic: "t" }]);
});

test("a message that is acknowledged while another commit is under way is never kept", () => {
  const world = new StoredWorld();
  const subscriber = subscribed(world, "s", 1);
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  publisher.publish("t", "first", { qos: 1 });
  expect(world.store.waiting).not.toBeNull();
  publisher.publish("t", "second", { qos: 1, messageId: 8 });
  const [, second] = subscriber.take("publish");
  subscriber.send({ cmd: "puback", messageId: second?.messageId ?? 0 });
  expect(publisher.received).toEqual([]);
  world.store.keep();
  expect(publisher.take("puback")).toMatchObject([{ messageId: 1 }]);
  // Nothing is left to keep, so what waited leaves without a commit.
  const { batches } = world.store;
  world.check();
  expect(publisher.take("puback")).toMatchObject([{ messageId: 8 }]);
  expect(world.store.batches).toBe(batches);
  expect(world.store.kept.messages.size).toBe(1);
});

test("what waits for the next commit does not leave with the one under way", () => {
  const world = new StoredWorld();
  subscribed(world, "s", 1);
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  for (const messageId of [1, 2, 3]) publisher.publish("t", "x", { qos: 1, messageId });
  world.store.keep();
  world.check();
  expect(publisher.take("puback").map(({ messageId }) => messageId)).toEqual([1]);
  world.store.keep();
  world.check();
  expect(publisher.take("puback").map(({ messageId }) => messageId)).toEqual([2, 3]);
});

test("QoS 2 waits both ways, in each of its steps", () => {
  const world = new StoredWorld();
  const subscriber = subscribed(world, "s", 2);
  const publisher = subscribed(world, "p", 0);
  const step = (act: () => void, who: TestClient, cmd: Packet["cmd"]): void => {
    act();
    expect(who.received).toEqual([]);
    world.keep();
    expect(who.received.map((packet) => packet.cmd)).toEqual([cmd]);
    who.received.length = 0;
  };
  publisher.send({ cmd: "unsubscribe", messageId: 1, unsubscriptions: ["t"] });
  world.keep();
  publisher.received.length = 0;
  publisher.publish("t", "x", { qos: 2, messageId: 9 });
  expect([...publisher.received, ...subscriber.received]).toEqual([]);
  world.keep();
  expect(publisher.received).toMatchObject([{ cmd: "pubrec" }]);
  expect(subscriber.messages()).toEqual(["t=x"]);
  publisher.received.length = 0;
  step(() => publisher.send({ cmd: "pubrel", messageId: 9 }), publisher, "pubcomp");
  step(() => subscriber.send({ cmd: "pubrec", messageId: 1 }), subscriber, "pubrel");
  subscriber.send({ cmd: "pubcomp", messageId: 1 });
  world.keep();
  expect(world.store.kept.messages.size + world.store.kept.outgoing.size).toBe(0);
});

test("a will is published once its fate is kept, to everybody", () => {
  const world = new StoredWorld();
  const { client, watcher } = watched(world);
  client.drop();
  expect(watcher.messages()).toEqual([]);
  watcher.ping();
  expect(watcher.received).toEqual([]);
  world.keep();
  expect(watcher.take("pingresp")).toHaveLength(1);
  expect(watcher.messages()).toEqual(["w=gone"]);
  const { wills, sessions } = world.store.kept;
  expect(wills.size + sessions.size).toBe(0);
});

test("a connection that ends takes its answers along once they are kept", () => {
  const world = new StoredWorld();
  subscribed(world, "s", 1).drop();
  world.keep();
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  publisher.publish("t", "x", { qos: 1, messageId: 7 });
  publisher.send({ cmd: "disconnect" });
  expect(publisher.closedBy).toBeNull();
  world.keep();
  expect(publisher.received).toMatchObject([{ cmd: "puback" }]);
  expect(publisher.closedBy).toBe("end");
  expect(world.driver.idle).toBe(true);
});

test("keepalives go by what arrives, however slow the store is", () => {
  const world = new StoredWorld();
  const client = world.open();
  client.connect({ clientId: "a", ...lasting, keepalive: 10 });
  for (let times = 0; times < 6; times++) {
    world.advance(10_000);
    client.ping();
  }
  expect(client.closedBy).toBeNull();
  world.keep();
  expect(client.received.map(({ cmd }) => cmd)).toEqual([
    "connack",
    ...Array.from({ length: 6 }, () => "pingresp" as const),
  ]);
  world.advance(15_001);
  expect(client.closedBy).toBe("end");
});

test("a peer whose output waits for the store is not stalled", () => {
  const world = new StoredWorld({ outputBytes: 1000 });
  const subscriber = subscribed(world, "s", 2);
  const publisher = world.open();
  publisher.connect({ clientId: "p", protocolVersion: 5 });
  for (let messageId = 1; messageId <= 50; messageId++) {
    publisher.publish("t", "x".repeat(100), { qos: 2, messageId });
  }
  world.advance(120_000);
  expect(subscriber.closedBy).toBeNull();
  expect(subscriber.received).toEqual([]);
  world.keep();
  let messages = 0;
  for (;;) {
    const taken = subscriber.take("publish");
    if (taken.length === 0) break;
    messages += taken.length;
    for (const { messageId = 0 } of taken) {
      subscriber.send({ cmd: "pubrec", messageId });
      subscriber.send({ cmd: "pubcomp", messageId });
    }
    world.keep();
  }
  expect(messages).toBe(50);
});

test("nor is one of thousands of them, who are reported some at a time", () => {
  const world = new StoredWorld({ limits: { stallTimeoutMs: 250 } });
  const clients = Array.from({ length: 2000 }, (_, n) => {
    const client = world.open();
    client.connect({ clientId: `c${n}` });
    // Its socket takes a part of an answer, and later the rest.
    client.room = 1;
    client.ping();
    client.publish(`t/${n}`, "x", { qos: 1, retain: true });
    client.drain();
    return client;
  });
  world.advance(1000);
  expect(clients.filter(({ closedBy }) => closedBy !== null)).toEqual([]);
  world.keep();
  world.keep();
  const answers = clients.map(({ received }) => received.map(({ cmd }) => cmd).join());
  expect(new Set(answers)).toEqual(new Set(["pingresp,puback"]));
});
