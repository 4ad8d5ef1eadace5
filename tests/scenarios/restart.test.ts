import { expect, test } from "bun:test";
import type { ConnectOptions, TestClient } from "../support/client.ts";
import { connected, StoredWorld } from "../support/held-store.ts";

const properties = { sessionExpiryInterval: 600 } as const;
const lasting = { clean: false, protocolVersion: 5, properties } as const;
const gone = { topic: "w", payload: Buffer.from("gone"), qos: 1, retain: true } as const;

function watcherOf(world: StoredWorld): TestClient {
  const watcher = connected(world, { clientId: "watcher" });
  watcher.subscribe("w");
  world.keep();
  watcher.take("suback");
  return watcher;
}

/** Asserts that the watcher gets nothing until that time has passed, and these messages then. */
function expectAfter(
  milliseconds: number,
  world: StoredWorld,
  watcher: TestClient,
  messages: string[],
  justBefore: () => void = () => {},
): void {
  world.advance(milliseconds - 1);
  world.keep();
  expect(watcher.messages()).toEqual([]);
  justBefore();
  world.advance(1);
  world.keep();
  expect(watcher.messages()).toEqual(messages);
}

test("a will whose client was connected is published once the watchers are back", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "a", will: gone });
  before.advance(10_000);
  const world = before.restart(3000, 400);
  const watcher = watcherOf(world);
  expectAfter(5000, world, watcher, ["w=gone"]);
  // It died at most a heartbeat after its last sign of life.
  const diedAt = before.wall + 600;
  expect(world.noted("will")).toMatchObject([
    { clientId: "a", cause: "brokerRestarted", endedAt: diedAt, by: "due" },
  ]);
  expect(world.noted("will")[0]?.will).toMatchObject({ fate: "published", due: diedAt });
  expect(world.store.kept.wills.size + world.store.kept.sessions.size).toBe(0);
  expect([...world.store.kept.retained.keys()]).toEqual(["w"]);
});

test("a broker that is back at once did not die in the future", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "a", will: gone });
  const world = before.restart(20, 0);
  world.advance(5000);
  expect(world.noted("will")).toMatchObject([{ endedAt: before.wall + 20 }]);
});

test.each([true, false])(
  "the return of its client does not cancel a will that was due, and comes after it; clean: %p",
  (clean) => {
    const before = new StoredWorld();
    const options = { clientId: "a", clean, will: gone };
    connected(before, options);
    const world = before.restart(3000);
    const watcher = watcherOf(world);
    world.advance(1000);
    const client = connected(world, options);
    client.publish("w", "here", { qos: 1 });
    world.keep();
    expect(watcher.messages()).toEqual(["w=gone", "w=here"]);
    world.advance(10_000);
    world.keep();
    expect(watcher.messages()).toEqual([]);
    expect(world.noted("will")).toHaveLength(1);
  },
);

const delayed = (willDelayInterval: number): ConnectOptions => ({
  ...{ clientId: "a", ...lasting },
  will: { ...gone, properties: { willDelayInterval } },
});

test("a delayed will keeps its time over the restart, and the return of its client cancels it", () => {
  for (const returns of [false, true]) {
    const before = new StoredWorld();
    connected(before, delayed(60)).drop();
    before.keep();
    before.advance(10_000);
    const world = before.restart(20_000);
    const watcher = watcherOf(world);
    expectAfter(30_000, world, watcher, returns ? [] : ["w=gone"], () => {
      if (returns) expect(connected(world, delayed(60)).closedBy).toBeNull();
    });
    const fate = returns ? "cancelled" : "published";
    expect(world.noted("will")).toMatchObject([{ cause: "resetByPeer", will: { fate } }]);
  }
});

test("the delay of a will whose client was connected begins at the broker's death", () => {
  const before = new StoredWorld();
  connected(before, delayed(60));
  const world = before.restart(20_000, 1000);
  const watcher = watcherOf(world);
  expectAfter(40_000, world, watcher, ["w=gone"]);
});

test("with a grace the return of the client cancels a will that was due", () => {
  const cases: readonly ConnectOptions[] = [
    { clientId: "a", will: gone },
    { clientId: "a", clean: false, will: gone },
    { ...delayed(1), clean: true },
  ];
  for (const options of cases) {
    for (const returns of [true, false]) {
      const before = new StoredWorld({ restartGraceMs: 10_000 });
      connected(before, options);
      const world = before.restart(60_000);
      const watcher = watcherOf(world);
      expectAfter(10_000, world, watcher, returns ? [] : ["w=gone"], () => {
        if (returns) {
          const client = world.open();
          expect(client.connect(options)).toBeUndefined();
          world.keep();
          const sessionPresent = options.clean === false;
          expect(client.take("connack")).toMatchObject([{ sessionPresent }]);
        }
      });
      expect(world.noted("will")).toHaveLength(1);
    }
  }
});

test("a session goes on as it was: subscriptions, queue, what is in flight, QoS 2 both ways", () => {
  const before = new StoredWorld();
  const options = { clientId: "s", ...lasting };
  const subscriber = connected(before, options);
  subscriber.subscribe({ topic: "t", qos: 2 });
  before.keep();
  const publisher = connected(before, { clientId: "p", ...lasting });
  publisher.publish("t", "released", { qos: 2, messageId: 1 });
  publisher.publish("t", "sent", { qos: 1, messageId: 2 });
  before.keep();
  subscriber.send({ cmd: "pubrec", messageId: 1 });
  before.keep();
  subscriber.drop();
  publisher.publish("t", "queued", { qos: 1, messageId: 3 });
  publisher.publish("t", "lost", { qos: 0 });
  before.keep();

  const world = before.restart();
  const back = world.open();
  back.connect(options);
  world.keep();
  expect(back.received).toMatchObject([
    { cmd: "connack", sessionPresent: true },
    { cmd: "pubrel", messageId: 1 },
    { cmd: "publish", messageId: 2, dup: true },
    { cmd: "publish", messageId: 3, dup: false },
  ]);
  expect(back.messages()).toEqual(["t=sent", "t=queued"]);
  const again = connected(world, { clientId: "p", ...lasting });
  again.publish("t", "released", { qos: 2, messageId: 1, dup: true });
  again.publish("t", "new", { qos: 1, messageId: 2 });
  world.keep();
  expect(again.received).toMatchObject([{ cmd: "pubrec" }, { cmd: "puback" }]);
  expect(back.messages()).toEqual(["t=new"]);
});

test("of a session that ends with its connection nothing is left", () => {
  const before = new StoredWorld();
  const client = connected(before, { clientId: "a", will: { ...gone, retain: false } });
  client.subscribe("t");
  before.keep();
  const world = before.restart();
  expect(world.store.kept.subscriptions.size).toBe(0);
  const back = world.open();
  back.connect({ clientId: "a", clean: false });
  world.keep();
  expect(back.take("connack")).toMatchObject([{ sessionPresent: false }]);
});

test("what expired meanwhile stays dead", () => {
  const before = new StoredWorld();
  const properties = { sessionExpiryInterval: 30 };
  connected(before, { clientId: "short", ...lasting, properties }).drop();
  const subscriber = connected(before, { clientId: "s", ...lasting });
  subscriber.subscribe({ topic: "t", qos: 1 });
  before.keep();
  subscriber.drop();
  const publisher = connected(before, { clientId: "p", protocolVersion: 5 });
  for (const messageExpiryInterval of [10, 100]) {
    const more = { qos: 1, retain: true, properties: { messageExpiryInterval } } as const;
    publisher.publish("t", String(messageExpiryInterval), more);
    publisher.publish(`r/${messageExpiryInterval}`, "x", more);
  }
  before.keep();
  const world = before.restart(40_000);
  world.advance(0);
  expect(world.broker.sessions.has("short")).toBe(false);
  const back = connected(world, { clientId: "s", ...lasting });
  expect(back.messages()).toEqual(["t=100"]);
  const late = connected(world, { clientId: "late" });
  late.subscribe("r/#");
  expect(late.messages()).toEqual(["r/100=x"]);
  world.keep();
  expect([...world.store.kept.sessions.values()].map(({ clientId }) => clientId)).toEqual(["s"]);
});

test("an expired session's will is published all the same, and its subscriptions are gone", () => {
  const before = new StoredWorld();
  const { will } = delayed(600);
  const properties = { sessionExpiryInterval: 30 };
  const client = connected(before, {
    clientId: "a",
    ...lasting,
    properties,
    ...(will && { will }),
  });
  client.subscribe("w");
  before.keep();
  const world = before.restart(60_000);
  const watcher = watcherOf(world);
  world.advance(5000);
  world.keep();
  expect(watcher.messages()).toEqual(["w=gone"]);
  expect(world.noted("will")).toMatchObject([{ will: { due: before.wall + 31_000 } }]);
  expect(world.broker.sessions.has("a")).toBe(false);
});

test("an orderly stop publishes wills without delay and keeps the others", () => {
  const before = new StoredWorld();
  const watcher = watcherOf(before);
  const plain = { ...gone, payload: Buffer.from("plain"), topic: "w" };
  connected(before, { clientId: "plain", will: plain });
  connected(before, delayed(60));
  connected(before, { ...delayed(90), clientId: "b" }).drop();
  before.driver.order({ type: "stopping" });
  before.keep();
  expect(watcher.messages()).toEqual(["w=plain"]);
  before.advance(120_000);
  expect(before.noted("will")).toEqual([]);
  expect(before.driver.isKept).toBe(true);

  const world = before.restart(-90_000);
  const late = watcherOf(world);
  late.take("publish");
  world.advance(30_000);
  world.keep();
  expect(late.messages()).toEqual(["w=gone"]);
  world.advance(30_000);
  world.keep();
  expect(late.messages()).toEqual(["w=gone"]);
  expect(world.noted("will")).toMatchObject([{ cause: "shuttingDown" }, { cause: "resetByPeer" }]);
});

test("a session whose will is kept does not end while the rest of an orderly stop takes time", () => {
  const before = new StoredWorld();
  const shortest = { ...delayed(60), properties: { sessionExpiryInterval: 3 } };
  connected(before, shortest).drop();
  before.driver.order({ type: "stopping" });
  before.keep();
  before.advance(5000);
  expect(before.noted("will")).toEqual([]);
  const world = before.restart();
  const watcher = watcherOf(world);
  world.advance(5000);
  world.keep();
  expect(watcher.messages()).toEqual(["w=gone"]);
});

test("one line tells what was restored", () => {
  const before = new StoredWorld();
  const subscriber = connected(before, { clientId: "s", ...lasting });
  subscriber.subscribe({ topic: "t", qos: 1 }, "u/#");
  before.keep();
  subscriber.drop();
  connected(before, { clientId: "plain", will: gone });
  connected(before, delayed(60)).drop();
  const publisher = connected(before, { clientId: "p" });
  publisher.publish("t", "x", { qos: 1 });
  publisher.publish("r", "x", { retain: true });
  before.keep();
  const world = before.restart(2000);
  expect(world.noted("restored")).toEqual([
    {
      ...{ event: "restored", sessions: 3, subscriptions: 2, messages: 1, retained: 1 },
      ...{ wills: 2, dueWills: 1, waitMs: 5000, diedMsAgo: 1000 },
    },
  ]);
});

test("a retained replay that a crash cuts off begins anew", () => {
  const before = new StoredWorld({ unitsOfTurn: 5 });
  const publisher = connected(before, { clientId: "p" });
  for (let topic = 0; topic < 300; topic++) publisher.publish(`r/${topic}`, "x", { retain: true });
  before.keep();
  const options = {
    clientId: "s",
    ...lasting,
    properties: { ...lasting.properties, receiveMaximum: 1 },
  };
  const subscriber = connected(before, options);
  for (let topic = 0; topic < 300; topic++)
    publisher.publish(`r/${topic}`, "x", { retain: true, qos: 1 });
  before.keep();
  subscriber.subscribe({ topic: "r/#", qos: 1 });
  before.keep();
  const world = before.restart();
  const back = connected(world, options);
  const heard = new Set<string>();
  for (let times = 0; times < 400; times++) {
    world.keep();
    for (const { topic, messageId = 0 } of back.take("publish")) {
      heard.add(topic);
      back.send({ cmd: "puback", messageId });
    }
  }
  expect(heard.size).toBe(300);
  world.keep();
  expect([...world.store.kept.subscriptions.values()]).toMatchObject([{ owesRetained: false }]);
});

test.each([{ retainedMessages: 1 }, { retainedBytes: 10 }])(
  "a smaller limit on retained messages deletes none that was kept, and refuses new ones: %p",
  (limits) => {
    const before = new StoredWorld();
    const publisher = connected(before, { clientId: "p" });
    for (const topic of ["a", "b", "c"]) publisher.publish(topic, "12345", { retain: true });
    before.keep();
    const world = before.restart(0, 0, { limits, sysIntervalMs: 1000 });
    world.advance(1000);
    const again = connected(world, { clientId: "p" });
    again.publish("d", "new", { retain: true });
    again.publish("a", "54321", { retain: true });
    world.keep();
    expect([...world.store.kept.retained.keys()].sort()).toEqual(["a", "b", "c"]);
    const late = connected(world, { clientId: "late" });
    late.subscribe("#");
    expect(late.messages().sort()).toEqual(["a=54321", "b=12345", "c=12345"]);
    late.subscribe("$SYS/broker/version");
    expect(late.take("publish")).toHaveLength(1);
    for (const topic of ["a", "b", "c"]) again.publish(topic, "", { retain: true });
    again.publish("d", "1", { retain: true });
    world.keep();
    expect([...world.store.kept.retained.keys()]).toEqual(["d"]);
  },
);

// A will that falls due in the first seconds after a start.

test("a delayed will that is due before its subscribers had time to return waits for them", () => {
  for (const returnsAt of [null, 1500, 3000]) {
    const before = new StoredWorld();
    connected(before, delayed(10)).drop();
    before.keep();
    const world = before.restart(8000);
    const watcher = watcherOf(world);
    world.advance(returnsAt ?? 4999);
    if (returnsAt !== null) connected(world, delayed(10));
    else {
      world.keep();
      expect(watcher.messages()).toEqual([]);
      world.advance(1);
    }
    world.keep();
    // Before its due time, 2 s after the start, the return cancels it; later it comes first.
    expect(watcher.messages()).toEqual(returnsAt === 1500 ? [] : ["w=gone"]);
    world.advance(10_000);
    world.keep();
    expect(watcher.messages()).toEqual([]);
    const due = before.wall + 10_000;
    const fate = returnsAt === 1500 ? { fate: "cancelled" } : { fate: "published", due };
    expect(world.noted("will")).toMatchObject([{ will: fate }]);
  }
});

test("a will that is due while the store is still read waits too, and comes before its client", () => {
  for (const returns of [false, true]) {
    const before = new StoredWorld();
    connected(before, delayed(90)).drop();
    before.keep();
    const world = before.load();
    world.advance(100_000);
    expect(world.noted("will")).toEqual([]);
    world.listen();
    const watcher = watcherOf(world);
    if (returns) connected(world, delayed(90));
    else world.advance(4999);
    world.keep();
    expect(watcher.messages()).toEqual(returns ? ["w=gone"] : []);
    world.advance(1);
    world.keep();
    expect(world.noted("will")).toHaveLength(1);
    expect(world.noted("will")).toMatchObject([{ will: { due: before.wall + 90_000 } }]);
  }
});

test("a session that ends before its subscribers had time to return waits with its will", () => {
  for (const [willDelayInterval, expiry] of [
    [600, 10],
    [9, 10],
    [7, 10],
  ] as const) {
    const before = new StoredWorld();
    const client = connected(before, {
      ...delayed(willDelayInterval),
      properties: { sessionExpiryInterval: expiry },
    });
    client.subscribe("w");
    before.keep();
    client.drop();
    before.keep();
    const world = before.restart(8000);
    const watcher = watcherOf(world);
    expectAfter(5000, world, watcher, ["w=gone"]);
    expect(world.broker.sessions.has("a")).toBe(false);
    expect(world.store.kept.wills.size + world.store.kept.sessions.size).toBe(0);
  }
});

test("with a grace a session that ends within it waits too, and the return of its client cancels its will", () => {
  for (const returns of [true, false]) {
    const before = new StoredWorld({ restartGraceMs: 5000 });
    const options = { ...delayed(7), properties: { sessionExpiryInterval: 10 } };
    connected(before, options).drop();
    before.keep();
    const world = before.restart(8000);
    const watcher = watcherOf(world);
    expectAfter(5000, world, watcher, returns ? [] : ["w=gone"], () => {
      if (returns) connected(world, options);
    });
    expect(world.noted("will")).toHaveLength(1);
    expect(world.broker.sessions.has("a")).toBe(returns);
  }
});

test("a smaller limit on memory makes no will early, and lets clients of restored sessions in", () => {
  const before = new StoredWorld();
  const sleeper = { clientId: "s", ...lasting };
  const subscriber = connected(before, sleeper);
  subscriber.subscribe({ topic: "t", qos: 1 });
  before.keep();
  subscriber.drop();
  connected(before, delayed(60)).drop();
  before.keep();
  const publisher = connected(before, { clientId: "p" });
  for (let number = 0; number < 100; number++) {
    publisher.publish("t", Buffer.alloc(10_000), { qos: 1 });
    before.keep();
  }
  const world = before.restart(2000, 0, { limits: { memory: 500_000 } });
  expect(world.broker.sessions.size).toBe(2);
  world.advance(30_000);
  world.keep();
  expect(world.noted("will")).toEqual([]);
  const stranger = world.open();
  expect(stranger.connect({ clientId: "new", ...lasting })?.reasonCode).toBe(0x97);
  const back = world.open();
  back.connect(sleeper);
  world.keep();
  expect(back.take("connack")).toMatchObject([{ sessionPresent: true }]);
  for (let acknowledged = 0; acknowledged < 100;) {
    const messages = back.take("publish");
    expect(messages.length).toBeGreaterThan(0);
    for (const { messageId = 0 } of messages) back.send({ cmd: "puback", messageId });
    acknowledged += messages.length;
    world.keep();
  }
  world.advance(30_000);
  world.keep();
  expect(world.noted("will")).toMatchObject([
    { will: { fate: "published", due: before.wall + 60_000 } },
  ]);
  expect(connected(world, { clientId: "new", ...lasting }).closedBy).toBeNull();
});

test("a session that is over makes no place for another before its will had time", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "a", will: gone });
  const world = before.restart(1000, 0, { limits: { sessions: 1 } });
  const stranger = world.open();
  expect(stranger.connect({ clientId: "new", ...lasting })?.reasonCode).toBe(0x97);
  expect(world.noted("will")).toEqual([]);
  world.advance(5000);
  world.keep();
  expect(world.noted("will")).toHaveLength(1);
  expect(connected(world, { clientId: "new", ...lasting }).closedBy).toBeNull();
});

test("a session that is over makes place for another once its client had time, whatever else is due", () => {
  const before = new StoredWorld({ restartGraceMs: 5000 });
  connected(before, { clientId: "a", will: gone });
  const world = before.restart(1000, 0, { limits: { sessions: 1 }, restartGraceMs: 5000 });
  // Its deadline was not handled yet.
  world.pass(5000);
  expect(connected(world, { clientId: "new", ...lasting }).closedBy).toBeNull();
  expect(world.noted("will")).toMatchObject([{ will: { fate: "published" } }]);
});

test("a session without a will makes no place for another before its client had time", () => {
  const before = new StoredWorld();
  connected(before, { clientId: "s", ...lasting }).drop();
  before.keep();
  const world = before.restart(1000, 0, { limits: { sessions: 1 } });
  const stranger = world.open();
  expect(stranger.connect({ clientId: "new", ...lasting })?.reasonCode).toBe(0x97);
  world.advance(5000);
  expect(connected(world, { clientId: "new", ...lasting }).closedBy).toBeNull();
  expect(world.broker.sessions.has("s")).toBe(false);
});

test("wills that are due wait from the moment that clients can connect, however long that takes", () => {
  const before = new StoredWorld();
  const watcher = connected(before, { clientId: "w", ...lasting });
  watcher.subscribe({ topic: "gone/#", qos: 1 });
  for (const clientId of ["b", "a"]) {
    connected(before, {
      clientId,
      will: { topic: `gone/${clientId}`, payload: Buffer.from("x"), qos: 1, retain: false },
    });
  }
  before.keep();
  const world = before.load(10_000, 0);
  world.driver.order({ type: "loadedAll" });
  world.pass(3000);
  world.listen();
  const back = connected(world, { clientId: "w", ...lasting });
  world.advance(4900);
  expect(back.messages()).toEqual([]);
  world.advance(200);
  world.keep();
  expect(back.messages()).toEqual(["gone/b=x", "gone/a=x"]);
});
