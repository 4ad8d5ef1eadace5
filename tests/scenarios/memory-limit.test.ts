import { describe, expect, test } from "bun:test";
import { clientOf } from "../../src/core/queries/clients.ts";
import type { Limits } from "../../src/core/limits.ts";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

const limit = 1024 * 1024;

/** The rest of a turn that was cut short; the event loop runs it, not the clock. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A world with little memory, and a client whose messages fill it. */
class Scene {
  readonly world: World;
  readonly filler: TestClient;
  acknowledged = 0;

  constructor(limits: Partial<Limits> = {}) {
    this.world = new World({ limits: { memory: limit, ...limits } });
    this.offline("stored", { topic: "stored", qos: 1 });
    this.filler = this.world.open();
    this.filler.connect({ clientId: "filler", protocolVersion: 5 });
  }

  get share(): number {
    return this.world.broker.memory.total / limit;
  }

  /** A session whose client is gone. */
  offline(clientId: string, ...filters: { topic: string; qos: 0 | 1 }[]): void {
    const client = this.world.open();
    client.connect({ clientId, clean: false });
    if (filters.length > 0) client.subscribe(...filters);
    client.drop();
  }

  /** An offline session queues acknowledged messages until a share of the limit is taken. */
  fill(share: number): void {
    // Small ones at the end: a message is refused that would only just exceed a share.
    while (this.share < share && this.add(share - this.share > 0.002 ? 1000 : 1));
  }

  /** False: it was refused. */
  add(bytes = 1000): boolean {
    this.filler.publish("stored", "x".repeat(bytes), { qos: 1 });
    const [ack] = this.filler.take("puback");
    if (ack?.reasonCode !== 0x97) {
      this.acknowledged += 1;
      return true;
    }
    // From 95 % on, and then down to 93 %: records and routes come and go.
    if (this.share < 0.93) throw new Error(`refused at ${this.share}`);
    return false;
  }

  connected(clientId: string, protocolVersion: 4 | 5 = 5): TestClient {
    const client = this.world.open();
    const connack = client.connect({ clientId, protocolVersion });
    if ((connack?.reasonCode ?? connack?.returnCode) !== 0) throw new Error(`${clientId} refused`);
    return client;
  }

  isAlive(clientId: string): boolean {
    return this.world.broker.sessions.has(clientId);
  }
}

describe("as memory fills up", () => {
  test("expired messages go first, queued and retained", () => {
    const scene = new Scene();
    const { filler, world } = scene;
    scene.fill(0.6);
    const properties = { messageExpiryInterval: 10 };
    for (let each = 0; each < 20; each++) {
      filler.publish("stored", "x".repeat(1000), { qos: 1, properties });
      filler.publish(`r/${each}`, "x".repeat(1000), { qos: 1, retain: true, properties });
    }
    world.advance(11_000);
    // Retained ones go by time; queued ones wait for their client, unless memory is short.
    expect(world.broker.retained.count).toBe(0);
    expect(world.broker.sessions.get("stored")?.queue.count).toBe(scene.acknowledged + 20);
    scene.fill(0.7);
    const queued = scene.acknowledged;
    filler.ping();
    expect(world.broker.sessions.get("stored")?.queue.count).toBe(queued);
  });

  test("QoS 0 is dropped where it would wait: in queues, and behind output", () => {
    const scene = new Scene({ queueQos0: true });
    const { filler, world } = scene;
    scene.offline("away", { topic: "zero", qos: 0 });
    const slow = scene.connected("slow");
    const quick = scene.connected("quick");
    for (const client of [slow, quick]) client.subscribe("zero");
    filler.publish("zero", "1");
    expect(world.broker.sessions.get("away")?.queue.count).toBe(1);
    expect(quick.messages()).toEqual(["zero=1"]);
    expect(slow.messages()).toEqual(["zero=1"]);
    scene.fill(0.76);
    // What had been queued goes, too.
    expect(world.broker.sessions.get("away")?.queue.count).toBe(0);
    slow.room = 0;
    filler.publish("zero", "2");
    filler.publish("zero", "3");
    expect(world.broker.sessions.get("away")?.queue.count).toBe(0);
    expect(quick.messages()).toEqual(["zero=2", "zero=3"]);
    slow.drain();
    expect(slow.messages()).toEqual(["zero=2"]);
    expect(world.noted("dropping")).toMatchObject([
      { clientId: "away", why: "memory full" },
      { clientId: "slow", why: "memory full" },
    ]);
  });

  test("QoS 1 waits in the queue, not behind output, and comes when the output is taken", () => {
    const scene = new Scene();
    const slow = scene.connected("slow");
    slow.subscribe({ topic: "one", qos: 1 });
    scene.fill(0.76);
    slow.room = 0;
    for (const text of ["1", "2", "3"]) scene.filler.publish("one", text, { qos: 1 });
    expect(scene.world.broker.sessions.get("slow")?.queue.count).toBe(2);
    slow.drain();
    expect(slow.messages()).toEqual(["one=1", "one=2", "one=3"]);
  });

  test("new sessions are refused with 0x97, in v4 with 3; a client with a session gets in", () => {
    const scene = new Scene();
    const { world } = scene;
    const messageless = world.open();
    scene.offline("known", { topic: "stored", qos: 1 });
    scene.fill(0.81);
    expect(messageless.connect({ clientId: "new", protocolVersion: 5 })?.reasonCode).toBe(0x97);
    expect(world.open().connect({ clientId: "new4" })?.returnCode).toBe(3);
    expect(world.noted("ended").map(({ detail }) => detail)).toContainEqual(
      expect.stringContaining("limits.memory"),
    );
    expect(world.open().connect({ clientId: "known", clean: false })?.sessionPresent).toBe(true);
    expect(world.open().connect({ clientId: "known", clean: true })?.returnCode).toBe(0);
  });

  test("new sessions get in again after a while, in place of the oldest ones that nobody uses", () => {
    const scene = new Scene();
    const { world } = scene;
    const ids = Array.from({ length: 30 }, (_, each) => `idle-${each}`);
    for (const id of ids) scene.offline(id, { topic: id, qos: 1 });
    scene.fill(0.8);
    const codeOf = (clientId: string): number | undefined =>
      world.open().connect({ clientId, protocolVersion: 5 })?.reasonCode;
    expect(codeOf("a")).toBe(0x97);
    world.advance(4900);
    expect(codeOf("a")).toBe(0x97);
    expect(ids.filter((id) => !scene.isAlive(id))).toEqual([]);
    world.advance(200);
    expect(codeOf("a")).toBe(0);
    expect(scene.isAlive("stored")).toBe(true);
    const ended = world.noted("sessionEnded");
    expect(ended.length).toBeWithin(1, ids.length);
    expect(ended.map(({ clientId }) => clientId)).toEqual(ids.slice(0, ended.length));
    expect(new Set(ended.map(({ why }) => why))).toEqual(new Set(["memory"]));
  });

  test("large wills, many subscriptions and long aliases are refused; small ones are not", async () => {
    const scene = new Scene();
    const { world } = scene;
    const client = scene.connected("client");
    scene.offline("known", { topic: "stored", qos: 1 });
    scene.fill(0.81);
    expect(client.subscribe({ topic: "a/b", qos: 1 })?.granted).toEqual([1]);
    const many = Array.from({ length: 200 }, (_, each) => ({
      topic: `many/${each}/#`,
      qos: 1 as const,
    }));
    expect(client.subscribe(...many)?.granted.at(-1)).toBe(0x97);
    const will = (bytes: number) => ({
      topic: "w",
      payload: Buffer.alloc(bytes),
      qos: 1 as const,
      retain: false,
    });
    const codeFor = async (bytes: number): Promise<number | undefined> => {
      const returned = world.open();
      const connack = returned.connect({
        clientId: "known",
        protocolVersion: 5,
        will: will(bytes),
      });
      // A large CONNECT may be handled in a turn of its own.
      await nextTurn();
      return (connack ?? returned.take("connack")[0])?.reasonCode;
    };
    expect(await codeFor(60_000)).toBe(0x97);
    expect(await codeFor(1000)).toBe(0);
    client.publish("short", "x", { properties: { topicAlias: 1 } });
    expect(client.closedBy).toBeNull();
    client.publish("x".repeat(5000), "x", { properties: { topicAlias: 2 } });
    expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x97 }]);
    expect(world.noted("ended").at(-1)).toMatchObject({ cause: "memory" });
  });

  test("aliases defined before are used, and defined again, however much memory they take", () => {
    const scene = new Scene();
    const client = scene.connected("client");
    const long = "x".repeat(100);
    const define = (topicAlias: number, topic: string): void => {
      client.publish(topic, "x", { properties: { topicAlias } });
    };
    for (let alias = 1; alias <= 60; alias++) define(alias, `${long}/${alias}`);
    scene.fill(0.81);
    define(1, "");
    define(1, `${long}/1`);
    define(1, `${long}/2`);
    expect(client.closedBy).toBeNull();
    define(61, long);
    expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x97 }]);
  });

  test("QoS 2 messages that nobody subscribes to take memory until PUBREL, at most the limit", () => {
    const scene = new Scene();
    const { world } = scene;
    const { memory } = world.broker;
    const before = memory.inflight.bytes;
    const client = scene.connected("client", 4);
    const publish = (): number => client.publish("t", "x", { qos: 2 }) ?? 0;
    const messageId = publish();
    expect(memory.inflight.bytes).toBeGreaterThan(before);
    client.send({ cmd: "pubrel", messageId });
    expect(memory.inflight.bytes).toBe(before);
    for (let count = 0; count < 60_000 && client.closedBy === null; count++) publish();
    expect(world.noted("ended").at(-1)).toMatchObject({ cause: "memory" });
    expect(scene.share).toBeLessThan(1);
    expect(memory.inflight.bytes).toBe(before);
  });

  test("a publisher is held for a subscriber with a queue, however short, and no longer than decision 5 allows", () => {
    const scene = new Scene();
    const { world } = scene;
    const subscriber = world.open();
    const properties = { receiveMaximum: 1, sessionExpiryInterval: 60 };
    subscriber.connect({ clientId: "s", protocolVersion: 5, properties });
    subscriber.subscribe({ topic: "one", qos: 1 });
    const publisher = scene.connected("publisher");
    scene.fill(0.86);
    const held = (): unknown => clientOf(world.broker, "publisher")?.connections[0]?.heldFor;
    publisher.publish("one", "1", { qos: 1 });
    expect(held()).toBeNull();
    publisher.publish("one", "2", { qos: 1 });
    expect(held()).toMatchObject({ clientId: "s" });
    world.advance(5001);
    expect(held()).toBeNull();
  });

  test("the offline sessions without queue go, the oldest first, and their delayed wills are published", () => {
    const scene = new Scene();
    const { world } = scene;
    const watcher = scene.connected("watcher");
    watcher.subscribe({ topic: "wills/#", qos: 1 });
    const ids = ["first", ...Array.from({ length: 10 }, (_, each) => `next-${each}`)];
    for (const id of ids) {
      const client = world.open();
      client.connect({
        clientId: id,
        protocolVersion: 5,
        properties: { sessionExpiryInterval: 1000 },
        will: {
          topic: `wills/${id}`,
          payload: Buffer.from("gone"),
          qos: 1,
          retain: false,
          properties: { willDelayInterval: 500 },
        },
      });
      client.drop();
      world.advance(10);
    }
    scene.fill(0.89);
    expect(watcher.messages()).toEqual([]);
    while (scene.isAlive("first")) scene.add();
    const ended = world.noted("sessionEnded");
    expect(ended.length).toBeWithin(1, ids.length);
    expect(ended).toEqual(
      ids
        .slice(0, ended.length)
        .map((clientId) => ({ event: "sessionEnded", clientId, why: "memory" })),
    );
    expect(watcher.messages()).toEqual(ended.map(({ clientId }) => `wills/${clientId}=gone`));
    expect(world.noted("will")[0]).toMatchObject({ clientId: "first", by: "memory" });
    const [will] = clientOf(world.broker, "first")?.wills ?? [];
    expect(will?.fate).toMatchObject({ fate: "published", by: "memory" });
    scene.fill(0.94);
    expect(ids.filter((id) => scene.isAlive(id))).toEqual([]);
    expect(scene.isAlive("stored")).toBe(true);
  });
});

describe("when nothing more can go", () => {
  function full(): Scene {
    const scene = new Scene();
    scene.connected("watcher").subscribe({ topic: "live", qos: 1 });
    scene.fill(0.948);
    return scene;
  }

  test("v5: QoS 1 and 2 messages that would be kept are refused with 0x97, for everybody", () => {
    const scene = full();
    const { world, filler } = scene;
    filler.publish("stored", "x".repeat(2000), { qos: 1 });
    expect(filler.take("puback")).toMatchObject([{ reasonCode: 0x97 }]);
    const messageId = filler.publish("stored", "x".repeat(2000), { qos: 2 });
    expect(filler.take("pubrec")).toMatchObject([{ reasonCode: 0x97 }]);
    // The packet id is free again.
    expect(world.broker.sessions.get("filler")?.incoming.has(messageId ?? 0)).toBe(false);
    expect(world.noted("publishRefused").at(-1)?.detail).toContain("limits.memory");
    expect(world.broker.sessions.get("stored")?.queue.count).toBe(scene.acknowledged);
  });

  test("a message for a subscriber that takes it at once is not refused", () => {
    const { filler } = full();
    filler.publish("live", "x".repeat(2000), { qos: 1 });
    expect(filler.take("puback")[0]?.reasonCode ?? 0).toBe(0);
  });

  test("v4: the connection is closed, cause memory, and its will is published", () => {
    const scene = new Scene();
    const watcher = scene.connected("watcher");
    watcher.subscribe({ topic: "wills", qos: 1 });
    const publisher = scene.world.open();
    publisher.connect({
      clientId: "v4",
      will: { topic: "wills", payload: Buffer.from("gone"), qos: 1, retain: false },
    });
    scene.fill(0.948);
    publisher.publish("stored", "x".repeat(5000), { qos: 1 });
    expect(publisher.closedBy).toBe("end");
    expect(publisher.take("puback")).toEqual([]);
    expect(watcher.messages()).toEqual(["wills=gone"]);
    expect(scene.world.noted("ended").at(-1)).toMatchObject({ cause: "memory" });
  });

  test("held publishers are released, and no other is held", async () => {
    const scene = new Scene({ queuedMessages: 10_000 });
    const { world } = scene;
    const subscriber = world.open();
    const properties = { receiveMaximum: 1, sessionExpiryInterval: 60 };
    subscriber.connect({ clientId: "s", protocolVersion: 5, properties });
    subscriber.subscribe({ topic: "one", qos: 1 });
    const publisher = scene.connected("publisher");
    scene.fill(0.86);
    publisher.publish("one", "1", { qos: 1 });
    publisher.publish("one", "2", { qos: 1 });
    const held = (): unknown => clientOf(world.broker, "publisher")?.connections[0]?.heldFor;
    expect(held()).not.toBeNull();
    publisher.ping();
    expect(publisher.take("pingresp")).toEqual([]);
    scene.fill(0.95);
    expect(held()).toBeNull();
    await nextTurn();
    expect(publisher.take("pingresp")).toHaveLength(1);
    publisher.publish("one", "3", { qos: 1 });
    publisher.ping();
    expect(held()).toBeNull();
    expect(publisher.take("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0, 0, 0x97]);
  });

  test("what was acknowledged arrives, and then the broker takes messages again", () => {
    const scene = full();
    const { world, filler, acknowledged } = scene;
    const stored = world.open();
    stored.connect({ clientId: "stored", clean: false });
    let arrived = 0;
    for (let taken = stored.take("publish"); taken.length > 0; taken = stored.take("publish")) {
      for (const { messageId = 0 } of taken) stored.send({ cmd: "puback", messageId });
      arrived += taken.length;
      world.advance(1);
    }
    expect(arrived).toBe(acknowledged);
    filler.publish("stored", "x".repeat(2000), { qos: 1 });
    expect(filler.take("puback")[0]?.reasonCode ?? 0).toBe(0);
    expect(world.open().connect({ clientId: "new" })?.returnCode).toBe(0);
  });

  test("a reload changes the limit at once", () => {
    const scene = full();
    const { world, filler } = scene;
    world.driver.reconfigure({ ...world.broker.limits, memory: 2 * limit }, 1024 * 1024);
    filler.publish("stored", "x".repeat(2000), { qos: 1 });
    expect(filler.take("puback")[0]?.reasonCode ?? 0).toBe(0);
  });
});

test("a session above limits.sessions takes the place of the oldest that nobody uses, if there is one", () => {
  const world = new World({ limits: { sessions: 3 } });
  for (const clientId of ["old", "newer", "held"]) {
    const client = world.open();
    client.connect({ clientId, clean: false });
    if (clientId === "held") client.subscribe({ topic: "t", qos: 1 });
    client.drop();
    world.advance(10);
  }
  const publisher = world.open();
  expect(publisher.connect({ clientId: "a" })?.returnCode).toBe(0);
  expect([...world.broker.sessions.keys()]).toEqual(["newer", "held", "a"]);
  publisher.publish("t", "x", { qos: 1 });
  expect(world.open().connect({ clientId: "b" })?.returnCode).toBe(0);
  expect([...world.broker.sessions.keys()]).toEqual(["held", "a", "b"]);
  // The last has a message, and the others are connected.
  expect(world.open().connect({ clientId: "c" })?.returnCode).toBe(3);
  expect(world.noted("sessionEnded").map(({ why }) => why)).toEqual([
    "session limit",
    "session limit",
  ]);
});
