import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World, type WorldOptions } from "../support/world.ts";

function open(world: World, clientId: string, topicAliasMaximum = 0): TestClient {
  const client = world.open();
  client.connect({ clientId, protocolVersion: 5, properties: { topicAliasMaximum } });
  return client;
}

function scene(options: WorldOptions = {}): {
  world: World;
  source: TestClient;
  watcher: TestClient;
} {
  const world = new World(options);
  const watcher = open(world, "w");
  watcher.subscribe("#");
  return { world, source: open(world, "p"), watcher };
}

/** Topic and alias of each PUBLISH. */
function aliases(client: TestClient): [string, number | undefined][] {
  return client.take("publish").map(({ topic, properties }) => [topic, properties?.topicAlias]);
}

test("v5-3.3.2-8 to 12: a client's alias stands for its topic until the client redefines it", () => {
  const { source, watcher } = scene();
  source.publish("long/topic", "1", { properties: { topicAlias: 100 } });
  source.publish("", "2", { properties: { topicAlias: 100 } });
  source.publish("other", "3", { properties: { topicAlias: 1 } });
  source.publish("", "4", { properties: { topicAlias: 100 } });
  source.publish("", "5", { properties: { topicAlias: 1 } });
  source.publish("again", "6", { properties: { topicAlias: 1 } });
  source.publish("", "7", { properties: { topicAlias: 1 }, qos: 1 });
  expect(watcher.messages()).toEqual([
    "long/topic=1",
    "long/topic=2",
    "other=3",
    "long/topic=4",
    "other=5",
    "again=6",
    "again=7",
  ]);
});

test("v5-3.3.2-7: an alias is never forwarded", () => {
  const { source, watcher } = scene();
  source.publish("t", "1", { properties: { topicAlias: 3 } });
  source.publish("", "2", { properties: { topicAlias: 3 } });
  expect(aliases(watcher)).toEqual([
    ["t", undefined],
    ["t", undefined],
  ]);
});

test("v5-3.3.2-7: aliases belong to one connection", () => {
  const { world, source } = scene();
  source.publish("t", "1", { properties: { topicAlias: 1 } });
  const other = open(world, "q");
  other.publish("", "2", { properties: { topicAlias: 1 } });
  expect(other.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
  const back = open(world, "p");
  back.publish("", "2", { properties: { topicAlias: 1 } });
  expect(back.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
});

test("v5-3.3.2-9: an alias above the maximum is answered with 0x94", () => {
  const { source } = scene({ limits: { topicAliases: 5 } });
  source.publish("t", "1", { properties: { topicAlias: 5 } });
  source.publish("t", "2", { properties: { topicAlias: 6 } });
  expect(source.take("disconnect")).toMatchObject([{ reasonCode: 0x94 }]);
  expect(source.closedBy).toBe("end");
});

test("v5-3.3.2-8: alias 0 is answered with 0x94", () => {
  const { source, watcher } = scene();
  // Written by hand: topic `t`, properties of three bytes, Topic Alias 0.
  source.sendBytes(Uint8Array.from([0x30, 7, 0, 1, 0x74, 3, 0x23, 0, 0]));
  expect(source.take("disconnect")).toMatchObject([{ reasonCode: 0x94 }]);
  expect(watcher.messages()).toEqual([]);
});

test("aliases do not outlive the connection, and do not reach the next one with its number", () => {
  const { world, source, watcher } = scene();
  source.publish("t", "1", { properties: { topicAlias: 1 } });
  source.drop();
  const next = open(world, "someone else");
  next.publish("", "2", { properties: { topicAlias: 1 } });
  expect(next.closedBy).toBe("end");
  expect(watcher.messages()).toEqual(["t=1"]);
});

test("v5-3.1.2-26, v5-3.1.2-27: the broker uses no more aliases than the client allows", () => {
  const world = new World();
  const client = open(world, "s", 2);
  client.subscribe({ topic: "#", qos: 1 });
  const source = open(world, "p");
  for (const topic of ["a", "b", "c", "a", "b", "c"]) source.publish(topic, "x");
  source.publish("a", "x", { qos: 1 });
  expect(aliases(client)).toEqual([
    ["a", 1],
    ["b", 2],
    ["c", undefined],
    ["", 1],
    ["", 2],
    ["c", undefined],
    ["", 1],
  ]);
});

test("the broker's aliases start afresh on each connection, in resends as well", () => {
  const world = new World();
  const session = {
    clientId: "s",
    protocolVersion: 5,
    clean: false,
    properties: { topicAliasMaximum: 5, sessionExpiryInterval: 60 },
  } as const;
  const first = world.open();
  first.connect(session);
  first.subscribe({ topic: "t", qos: 1 });
  const source = open(world, "p");
  for (const payload of ["1", "2"]) source.publish("t", payload, { qos: 1 });
  expect(aliases(first)).toEqual([
    ["t", 1],
    ["", 1],
  ]);
  const second = world.open();
  second.connect(session);
  expect(aliases(second)).toEqual([
    ["t", undefined],
    ["t", undefined],
  ]);
  source.publish("t", "3", { qos: 1 });
  source.publish("t", "4", { qos: 1 });
  expect(aliases(second)).toEqual([
    ["t", 1],
    ["", 1],
  ]);
});

test("the configuration can switch the broker's aliases off", () => {
  const world = new World({ limits: { topicAliases: 0 } });
  const client = open(world, "s", 10);
  client.subscribe("t");
  for (let time = 0; time < 2; time++) open(world, "p").publish("t", "x");
  expect(aliases(client)).toEqual([
    ["t", undefined],
    ["t", undefined],
  ]);
});

test("a client with aliases and one without get the same messages", () => {
  const { world, source, watcher } = scene();
  const client = open(world, "s", 10);
  client.subscribe("#");
  const topics = new Map<number, string>();
  const read: string[] = [];
  for (const topic of ["a", "a", "b", "a", "ü/é", "ü/é"]) source.publish(topic, "x");
  for (const { topic, properties } of client.take("publish")) {
    const alias = properties?.topicAlias ?? 0;
    if (topic !== "") topics.set(alias, topic);
    read.push(`${topics.get(alias)}=x`);
  }
  expect(read).toEqual(watcher.messages());
});
