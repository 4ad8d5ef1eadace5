import { expect, test } from "bun:test";
import { StoredWorld, subscribed, watched } from "../support/held-store.ts";
import type { TestClient } from "../support/client.ts";

const properties = { sessionExpiryInterval: 60 };

function lasting(world: StoredWorld, clientId: string, protocolVersion: 4 | 5 = 5): TestClient {
  const client = world.open();
  const five = protocolVersion === 5 ? { properties } : {};
  client.connect({ clientId, clean: false, protocolVersion, ...five });
  return client;
}

const full = { isFull: true, detail: "the disk is full" };

test.each([
  [4, false, []],
  [5, false, [{ cmd: "disconnect", reasonCode: 0x83 }]],
  [5, true, [{ cmd: "disconnect", reasonCode: 0x97 }]],
] as const)("v%d, full %p: no PUBACK for what is not kept", (protocolVersion, isFull, told) => {
  const world = new StoredWorld();
  const subscriber = subscribed(world);
  const publisher = world.open();
  publisher.connect({ clientId: "p", protocolVersion });
  publisher.publish("t", "x", { qos: 1 });
  expect(subscriber.messages()).toEqual(["t=x"]);
  world.fail({ isFull });
  expect(publisher.received).toMatchObject(told);
  expect(publisher.received).toHaveLength(told.length);
  expect(publisher.closedBy).toBe("end");
  expect(world.noted("ended")).toMatchObject([{ cause: "storeFailed" }]);
  expect(world.noted("storeFailed")).toMatchObject([{ clients: 1 }]);
  expect(subscriber.closedBy).toBeNull();
});

test("what failed comes again, each second, and then all that changed since", () => {
  const world = new StoredWorld();
  subscribed(world).drop();
  world.keep();
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  publisher.publish("t", "x", { qos: 1 });
  const { waiting } = world.store;
  world.fail();
  expect(world.store.waiting).toBeNull();
  world.advance(999);
  expect(world.store.waiting).toBeNull();
  world.advance(1);
  expect(world.store.waiting).toBe(waiting);
  world.fail();
  world.advance(1000);
  world.keep();
  expect(world.noted("storeRecovered")).toEqual([{ event: "storeRecovered", afterMs: 2000 }]);
  expect(world.noted("storeFailed")).toHaveLength(1);
  expect([...world.store.kept.messages.values()]).toMatchObject([{ topic: "t" }]);
});

test.each([
  [4, 3],
  [5, 0x88],
] as const)(
  "v%d: who waits for a CONNACK gets one that refuses, and no DISCONNECT",
  (version, code) => {
    const world = new StoredWorld();
    const client = lasting(world, "a", version);
    world.fail();
    const told = version === 4 ? { returnCode: code } : { reasonCode: code };
    expect(client.received).toMatchObject([{ cmd: "connack", sessionPresent: false, ...told }]);
    expect(client.received).toHaveLength(1);
    expect(client.closedBy).toBe("end");
  },
);

test("while it fails, what would have to be kept is refused and the rest goes on", () => {
  const world = new StoredWorld();
  const subscriber = subscribed(world);
  const [v4, v5, plain] = [world.open(), world.open(), world.open()];
  v4.connect({ clientId: "v4" });
  v5.connect({ clientId: "v5", protocolVersion: 5 });
  plain.connect({ clientId: "plain" });
  plain.subscribe("u");
  v4.publish("t", "lost", { qos: 1 });
  world.fail(full);
  expect(v4.closedBy).toBe("end");
  subscriber.received.length = 0;

  // Refused: a lasting session, a subscription of one, a message for one, a retained message.
  const will = { topic: "w", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  for (const options of [{ clean: false }, { will }]) {
    const late = world.open();
    expect(late.connect({ clientId: "late", ...options })?.returnCode).toBe(3);
  }
  expect(subscriber.subscribe({ topic: "u", qos: 1 })?.granted).toEqual([0x97]);
  v5.publish("t", "x", { qos: 1 });
  v5.publish("r", "x", { qos: 2, retain: true });
  expect(v5.take("puback")).toMatchObject([{ reasonCode: 0x97 }]);
  expect(v5.take("pubrec")).toMatchObject([{ reasonCode: 0x97 }]);
  const other = world.open();
  other.connect({ clientId: "other" });
  other.publish("t", "x", { qos: 1 });
  expect(other.received).toEqual([]);
  expect(other.closedBy).toBe("end");

  // Not refused: QoS 0, and QoS 1 to sessions that end with their connections.
  v5.publish("t", "0");
  v5.publish("u", "1", { qos: 1 });
  expect(v5.take("puback")).toMatchObject([{ reasonCode: 0 }]);
  expect(plain.messages()).toEqual(["u=1"]);
  expect(subscriber.messages()).toEqual(["t=0"]);

  world.advance(1000);
  world.keep();
  v5.publish("t", "again", { qos: 1 });
  world.keep();
  expect(v5.take("puback")).toMatchObject([{ reasonCode: 0 }]);
  expect(subscriber.messages()).toEqual(["t=again"]);
});

test("who waits for its CONNACK gets no will of those that end with it", () => {
  const world = new StoredWorld();
  const subscriber = lasting(world, "s");
  subscriber.subscribe({ topic: "w", qos: 1 });
  world.keep();
  subscriber.drop();
  world.keep();
  const will = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: false } as const;
  const publisher = world.open();
  publisher.connect({ clientId: "p", will });
  world.keep();
  publisher.publish("t", "x", { qos: 1, retain: true });
  const late = lasting(world, "s");
  world.fail(full);
  expect(late.received).toMatchObject([{ cmd: "connack", reasonCode: 0x97 }]);
  expect(late.received).toHaveLength(1);
  expect(late.closedBy).toBe("end");
  expect(publisher.closedBy).toBe("end");
  world.advance(1000);
  world.keep();
  const again = lasting(world, "s");
  world.keep();
  expect(again.messages()).toEqual(["w=gone"]);
});

test("a will is published although its fate can't be kept", () => {
  const world = new StoredWorld();
  const { client, watcher } = watched(world);
  client.drop();
  expect(watcher.messages()).toEqual([]);
  world.fail();
  expect(watcher.messages()).toEqual(["w=gone"]);
  expect(watcher.closedBy).toBeNull();
});

test("who has its CONNACK gets no second one, although its next answer waited with it", () => {
  const world = new StoredWorld();
  const client = lasting(world, "a");
  client.subscribe("t");
  world.store.keep();
  world.check();
  expect(client.received).toMatchObject([{ cmd: "connack", reasonCode: 0 }]);
  world.fail();
  expect(client.received).toMatchObject([{ cmd: "connack" }, { cmd: "disconnect" }]);
  expect(client.received).toHaveLength(2);
});

test("a publication of a will leaves although the store fails, behind an answer that was kept", () => {
  const world = new StoredWorld();
  const dying = world.open();
  const will = { topic: "t", payload: Buffer.from("x"), qos: 0, retain: false } as const;
  dying.connect({ clientId: "d", will });
  subscribed(world).drop();
  world.keep();
  const client = lasting(world, "s");
  dying.drop();
  world.store.keep();
  world.check();
  world.fail();
  expect(client.received).toMatchObject([{ cmd: "connack", reasonCode: 0 }, { cmd: "publish" }]);
  expect(client.closedBy).toBeNull();
});
