import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World, type WorldOptions } from "../support/world.ts";

/** A broker with `count` retained messages on r/0, r/1, ... */
function worldWith(count: number, qos: 0 | 1, options: WorldOptions = {}): World {
  const world = new World(options);
  const source = world.open();
  source.connect({ clientId: "p" });
  for (let index = 0; index < count; index++) {
    source.publish(`r/${index}`, String(index), { retain: true, qos, messageId: 1 });
  }
  source.drop();
  return world;
}

function acknowledgeAll(client: TestClient): string[] {
  const arrived = client.take("publish");
  for (const { messageId, qos } of arrived) {
    if (qos === 1) client.send({ cmd: "puback", messageId: messageId ?? 0 });
  }
  return arrived.map(({ topic }) => topic);
}

test("5,000 retained messages reach a client with a small window, each once", () => {
  const world = worldWith(5000, 1);
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 7 } });
  client.subscribe({ topic: "r/#", qos: 1 });
  const got: string[] = [];
  for (;;) {
    const arrived = client.received.filter(({ cmd }) => cmd === "publish").length;
    expect(arrived).toBeLessThanOrEqual(7);
    if (arrived === 0) break;
    got.push(...acknowledgeAll(client));
    world.advance(1);
  }
  expect(got).toHaveLength(5000);
  expect(new Set(got).size).toBe(5000);
});

test("no turn sends more than a piece of a replay; other clients are served in between", () => {
  const world = worldWith(5000, 0);
  const client = world.open();
  const other = world.open();
  other.connect({ clientId: "o" });
  client.connect({ clientId: "s" });
  client.subscribe("r/#");
  const pieces: number[] = [];
  while (client.received.length > 0) {
    pieces.push(acknowledgeAll(client).length);
    other.ping();
    expect(other.take("pingresp")).toHaveLength(1);
    world.advance(1);
  }
  expect(pieces.length).toBeGreaterThan(20);
  expect(Math.max(...pieces)).toBeLessThanOrEqual(250);
  expect(pieces.reduce((sum, piece) => sum + piece, 0)).toBe(5000);
});

test("large retained messages are sent in smaller pieces", () => {
  const world = new World({ limits: { payloadSize: 100_000 } });
  const source = world.open();
  source.connect({ clientId: "p" });
  for (let index = 0; index < 20; index++) {
    source.publish(`r/${index}`, "x".repeat(100_000), { retain: true });
  }
  const client = world.open();
  client.connect({ clientId: "s" });
  client.subscribe("r/#");
  expect(client.received.length).toBeLessThanOrEqual(3);
  world.advance(20);
  expect(client.received).toHaveLength(20);
});

test("UNSUBSCRIBE ends a running replay", () => {
  const world = worldWith(1000, 1);
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 5 } });
  client.subscribe({ topic: "r/#", qos: 1 });
  client.unsubscribe("r/#");
  expect(acknowledgeAll(client)).toHaveLength(5);
  world.advance(100);
  expect(client.received).toEqual([]);
});

test("a second SUBSCRIBE restarts the replay", () => {
  const world = worldWith(300, 1);
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 50 } });
  client.subscribe({ topic: "r/#", qos: 1 });
  client.subscribe({ topic: "r/#", qos: 0 });
  const got: string[] = [];
  while (client.received.length > 0) {
    got.push(...acknowledgeAll(client));
    world.advance(1);
  }
  expect(got).toHaveLength(50 + 300);
});

test("a second SUBSCRIBE that excludes retained messages does not cut the replay short", () => {
  for (const rh of [1, 2] as const) {
    const world = worldWith(300, 1);
    const client = world.open();
    client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 50 } });
    client.subscribe({ topic: "r/#", qos: 1, rh: 1 });
    client.subscribe({ topic: "r/#", qos: 0, rh });
    const [first] = client.take("publish");
    client.send({ cmd: "puback", messageId: first?.messageId ?? 0 });
    // The rest arrives with the options of the second SUBSCRIBE, a piece at a time.
    expect(client.take("publish").map(({ qos }) => qos)).toEqual(Array(200).fill(0));
    client.unsubscribe("r/#");
    world.advance(10);
    expect(client.received).toEqual([]);
  }
});

test("a replay that a broken connection cut short continues with the session", () => {
  const world = worldWith(100, 1);
  const session = { clientId: "s", clean: false } as const;
  const first = world.open();
  first.connect({
    ...session,
    protocolVersion: 5,
    properties: { receiveMaximum: 10, sessionExpiryInterval: 60 },
  });
  first.subscribe({ topic: "r/#", qos: 1 });
  expect(acknowledgeAll(first)).toHaveLength(10);
  const known = new Set(first.take("publish").map(({ topic }) => topic));
  first.drop();
  const second = world.open();
  second.connect(session);
  let got = 0;
  while (second.received.length > 0) {
    for (const topic of acknowledgeAll(second)) {
      got += 1;
      known.delete(topic);
    }
    world.advance(1);
  }
  expect(got).toBe(90);
  expect(known.size).toBe(0);
});

test("messages that change during the replay are sent in their state at that time", () => {
  const world = worldWith(50, 1);
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 10 } });
  client.subscribe({ topic: "r/#", qos: 1 });
  client.unsubscribe("nothing");
  const source = world.open();
  source.connect({ clientId: "p" });
  for (let index = 0; index < 50; index++) source.publish(`r/${index}`, "", { retain: true });
  const got: string[] = [];
  while (client.received.length > 0) {
    got.push(...acknowledgeAll(client));
    world.advance(1);
  }
  // Ten were in flight, and each of the fifty live ones clears a topic.
  expect(got).toHaveLength(10 + 50);
});

// For one topic and QoS, messages keep the order in which a client published them.
test("v5-4.6.0-6: a retained message is not overtaken by a newer one that also waits for the window", () => {
  const { publisher, subscriber } = withFullWindow();
  publisher.publish("t", "old", { qos: 1, retain: true });
  subscriber.subscribe({ topic: "t", qos: 1 });
  publisher.publish("t", "new", { qos: 1 });
  subscriber.send({ cmd: "puback", messageId: 1 });
  subscriber.send({ cmd: "puback", messageId: 2 });
  expect(subscriber.messages()).toEqual(["t=old", "t=new"]);
});

// The client's window for QoS 1 and 2 delays the retained message.
test("v5-4.6.0-6: a retained message with QoS 0 is not overtaken by a newer one", () => {
  const { publisher, subscriber } = withFullWindow();
  publisher.publish("t", "old", { retain: true });
  subscriber.subscribe("t");
  publisher.publish("t", "new");
  subscriber.send({ cmd: "puback", messageId: 1 });
  expect(subscriber.messages()).toEqual(["t=old", "t=new"]);
});

/** A subscriber with a window of one, which is full. */
function withFullWindow() {
  const world = new World();
  const publisher = world.open();
  publisher.connect({ clientId: "p", protocolVersion: 5 });
  const subscriber = world.open();
  subscriber.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 1 } });
  subscriber.subscribe({ topic: "first", qos: 1 });
  publisher.publish("first", "x", { qos: 1 });
  expect(subscriber.messages()).toEqual(["first=x"]);
  return { publisher, subscriber };
}

test("v5-4.6.0-6: nor is a message of a long replay, while the window is open", () => {
  const world = new World();
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  for (let count = 0; count < 300; count++) {
    publisher.publish(`t/${count}`, "old", { retain: true });
  }
  const subscriber = world.open();
  subscriber.connect({ clientId: "s" });
  subscriber.subscribe("t/#");
  const late = new Set(Array.from({ length: 300 }, (_, count) => `t/${count}=old`));
  for (const message of subscriber.messages()) late.delete(message);
  const [first = ""] = late;
  publisher.publish(first.replace("=old", ""), "new");
  publisher.publish("t/none", "new");
  world.advance(10);
  const messages = subscriber.messages();
  const newer = first.replace("old", "new");
  expect(messages.indexOf(newer)).toBeGreaterThan(messages.indexOf(first));
  expect(messages.toSorted()).toEqual([...late, newer, "t/none=new"].toSorted());
});

test("QoS 0 on topics without a retained message does not wait for a replay", () => {
  const { publisher, subscriber } = withFullWindow();
  publisher.publish("t", "old", { qos: 1, retain: true });
  subscriber.subscribe({ topic: "#", qos: 1 });
  publisher.publish("other", "new");
  expect(subscriber.messages()).toEqual(["other=new"]);
});

test("the search for a filter that few of many topics match runs in pieces", () => {
  const world = new World();
  const publisher = world.open();
  publisher.connect({ clientId: "publisher" });
  for (let index = 0; index < 30_000; index++) {
    publisher.publish(`device${index}/status`, "on", { retain: true });
  }
  publisher.publish("last/wanted", "found", { retain: true });
  const subscriber = world.open();
  subscriber.connect({ clientId: "subscriber" });
  expect(subscriber.subscribe("+/wanted")).toBeDefined();
  expect(subscriber.messages()).toEqual([]);
  world.advance(10);
  expect(subscriber.messages()).toEqual(["last/wanted=found"]);
  expect(world.broker.nextDeadline()).toBeNull();
});
