import { expect, test } from "bun:test";
import { World } from "../support/world.ts";
import type { TestClient } from "../support/client.ts";

function client(world: World, clientId: string, protocolVersion: 4 | 5 = 5): TestClient {
  const opened = world.open();
  opened.connect({ clientId, protocolVersion });
  return opened;
}

test("v4-3.3.1-6, v5-3.3.1-9: a new subscriber gets the last retained message of each topic", () => {
  const world = new World();
  const source = client(world, "p");
  for (const [topic, payload] of [
    ["a", "old"],
    ["a", "new"],
    ["a/b", "x"],
    ["c", "y"],
  ] as const) {
    source.publish(topic, payload, { retain: true });
  }
  source.publish("a", "not retained");
  for (const version of [4, 5] as const) {
    const subscriber = client(world, `s${version}`, version);
    subscriber.subscribe("a/#");
    const got = subscriber.take("publish");
    expect(got.map(({ topic, payload }) => `${topic}=${payload.toString()}`).sort()).toEqual([
      "a/b=x",
      "a=new",
    ]);
    expect(got.every(({ retain }) => retain)).toBe(true);
  }
});

test("v4-3.3.1-8, v4-3.3.1-9: RETAIN is 1 in stored messages, 0 in live ones", () => {
  const world = new World();
  const subscriber = client(world, "s", 4);
  subscriber.subscribe("t");
  const source = client(world, "p");
  source.publish("t", "live", { retain: true });
  expect(subscriber.take("publish")).toMatchObject([{ retain: false }]);
  subscriber.subscribe("t");
  expect(subscriber.take("publish")).toMatchObject([{ retain: true }]);
});

test("v4-3.3.1-10, v5-3.3.1-6: an empty message clears the topic, reaches subscribers, and is not stored", () => {
  const world = new World();
  const watcher = client(world, "w");
  watcher.subscribe("t");
  const source = client(world, "p");
  source.publish("t", "x", { retain: true });
  expect(world.broker.view().retained.messages).toBe(1);
  source.publish("t", "", { retain: true });
  expect(world.broker.view().retained).toEqual({ messages: 0, bytes: 0 });
  expect(watcher.messages()).toEqual(["t=x", "t="]);
  const late = client(world, "late");
  late.subscribe("t");
  expect(late.messages()).toEqual([]);
});

test("clearing a topic without a retained message does nothing", () => {
  const world = new World();
  const source = client(world, "p");
  source.publish("a/b/c", "x", { retain: true });
  for (const topic of ["a", "a/b", "a/b/c/d", "z"]) source.publish(topic, "", { retain: true });
  expect(world.broker.view().retained.messages).toBe(1);
});

test("retained messages keep the QoS and properties with which they were published", () => {
  const world = new World();
  const properties = {
    contentType: "text/plain",
    responseTopic: "r",
    correlationData: Buffer.from([1, 2]),
    userProperties: { k: "v" },
    payloadFormatIndicator: true,
  };
  client(world, "p").publish("t", "x", { qos: 2, retain: true, properties });
  const subscriber = client(world, "s");
  subscriber.subscribe({ topic: "t", qos: 2 });
  const [got] = subscriber.take("publish");
  expect(got).toMatchObject({ qos: 2, retain: true });
  expect({ ...got?.properties?.userProperties }).toEqual({ k: "v" });
  expect(got?.properties).toMatchObject({ ...properties, userProperties: expect.anything() });
});

test("v5-3.3.1-5: retained messages outlive their publisher", () => {
  const world = new World();
  const source = client(world, "p");
  source.publish("t", "x", { retain: true });
  source.drop();
  world.advance(365 * 86_400_000);
  const subscriber = client(world, "s");
  subscriber.subscribe("t");
  expect(subscriber.messages()).toEqual(["t=x"]);
});

test("an expired retained message is gone; an unexpired one has less time left", () => {
  const world = new World();
  const source = client(world, "p");
  source.publish("a", "x", { retain: true, properties: { messageExpiryInterval: 10 } });
  source.publish("b", "x", { retain: true, properties: { messageExpiryInterval: 20 } });
  world.advance(10_000);
  const subscriber = client(world, "s");
  subscriber.subscribe("#");
  expect(subscriber.take("publish")).toMatchObject([
    { topic: "b", properties: { messageExpiryInterval: 10 } },
  ]);
  expect(world.broker.view().retained.messages).toBe(1);
});

test("a message that does not fit is not retained; live subscribers get it, and it is logged", () => {
  const world = new World({ limits: { retainedMessages: 2 } });
  const source = client(world, "p");
  const watcher = client(world, "w");
  watcher.subscribe("#");
  for (const topic of ["a", "b", "c"]) source.publish(topic, "x", { retain: true });
  expect(watcher.messages()).toEqual(["a=x", "b=x", "c=x"]);
  expect(world.broker.view().retained.messages).toBe(2);
  expect(world.noted("dropping")).toMatchObject([
    { clientId: null, why: "retained messages full", topic: "c", limit: "retainedMessages" },
  ]);
  source.publish("a", "replaced", { retain: true });
  source.publish("b", "", { retain: true });
  source.publish("c", "now", { retain: true });
  const late = client(world, "late");
  late.subscribe("#");
  expect(late.messages().sort()).toEqual(["a=replaced", "c=now"]);
});

test("the bytes of retained messages are limited, too", () => {
  const world = new World({ limits: { retainedBytes: 1000 } });
  const source = client(world, "p");
  source.publish("a", "x".repeat(600), { retain: true });
  source.publish("b", "x".repeat(600), { retain: true });
  expect(world.broker.view().retained.messages).toBe(1);
  source.publish("a", "x".repeat(100), { retain: true });
  source.publish("b", "x".repeat(600), { retain: true });
  expect(world.broker.view().retained.messages).toBe(2);
});

/** The reason code of the last PUBACK. */
function answer(source: TestClient): number | undefined {
  return source.take("puback").at(-1)?.reasonCode;
}

test("a v5 PUBLISH of QoS 1 or 2 that can't be retained is refused with 0x97, and delivered to nobody", () => {
  const world = new World({ limits: { retainedMessages: 1 } });
  const watcher = client(world, "w");
  watcher.subscribe("#");
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  const options = { retain: true, qos: 1 } as const;
  source.publish("a", "x", options);
  expect(answer(source)).toBe(0);
  source.publish("b", "x", options);
  expect(answer(source)).toBe(0x97);
  source.publish("b", "x", { retain: true, qos: 2 });
  expect(source.take("pubrec")).toMatchObject([{ reasonCode: 0x97 }]);
  expect(watcher.messages()).toEqual(["a=x"]);
  expect(world.noted("publishRefused").map(({ topic, detail }) => [topic, detail])).toEqual([
    ["b", "the limit of 1 retained messages is reached (limits.retainedMessages)"],
    ["b", "the limit of 1 retained messages is reached (limits.retainedMessages)"],
  ]);
  // An empty one takes no place, and neither does one that replaces another.
  source.publish("b", "", options);
  expect(answer(source)).toBe(0);
  source.publish("a", "y", options);
  expect(answer(source)).toBe(0);
  expect(watcher.messages()).toEqual(["b=", "a=y"]);
});

test("at QoS 0 and in v4 it is delivered, not retained, and logged with the key of the limit", () => {
  const world = new World({ limits: { retainedBytes: 100 } });
  const watcher = client(world, "w");
  watcher.subscribe("#");
  const [old, source] = [world.open(), world.open()];
  old.connect({ clientId: "v4" });
  source.connect({ clientId: "v5", protocolVersion: 5 });
  const long = "x".repeat(200);
  old.publish("a", long, { retain: true, qos: 1 });
  source.publish("b", long, { retain: true });
  expect(watcher.take("publish").map(({ topic }) => topic)).toEqual(["a", "b"]);
  expect(world.noted("dropping").map(({ topic, limit }) => [topic, limit])).toEqual([
    ["a", "retainedBytes"],
    ["b", "retainedBytes"],
  ]);
  expect(world.broker.view().retained.messages).toBe(0);
});

test("expired messages give way, and are not counted", () => {
  const world = new World({ limits: { retainedMessages: 200 } });
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  const expiring = { retain: true, qos: 1, properties: { messageExpiryInterval: 1 } } as const;
  for (let index = 0; index < 200; index++) source.publish(`old/${index}`, "x", expiring);
  source.publish("new", "x", { retain: true, qos: 1 });
  expect(answer(source)).toBe(0x97);
  world.advance(2000);
  expect(world.broker.view().retained.messages).toBe(0);
  source.publish("new", "x", { retain: true, qos: 1 });
  expect(answer(source)).toBe(0x10);
  const late = client(world, "late");
  late.subscribe("#");
  expect(late.messages()).toEqual(["new=x"]);
});

test("many messages that expire together are deleted over many turns", () => {
  const world = new World();
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  const expiring = { retain: true, properties: { messageExpiryInterval: 10 } } as const;
  for (let index = 0; index < 1000; index++) source.publish(`old/${index}`, "x", expiring);
  source.publish("sooner", "x", { retain: true, properties: { messageExpiryInterval: 5 } });
  world.advance(5000);
  expect(world.broker.view().retained.messages).toBe(1000);
  world.advance(5000);
  expect(world.broker.view().retained.messages).toBe(800);
  world.advance(10);
  expect(world.broker.view().retained.messages).toBe(0);
});
