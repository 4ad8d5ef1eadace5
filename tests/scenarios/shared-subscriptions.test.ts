import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function member(world: World, clientId: string, filter: string, qos: 0 | 1 | 2 = 1): TestClient {
  const client = open(world, clientId);
  client.subscribe({ topic: filter, qos });
  return client;
}

function open(world: World, clientId: string): TestClient {
  const client = world.open();
  client.connect({
    clientId,
    protocolVersion: 5,
    clean: false,
    properties: { sessionExpiryInterval: 1000 },
  });
  return client;
}

function publish(world: World, ...payloads: string[]): void {
  const source = open(world, "source");
  for (const payload of payloads) source.publish("t", payload, { qos: 1 });
  source.drop();
}

test("each message reaches one member, in turn", () => {
  const world = new World();
  const members = ["a", "b", "c"].map((id) => member(world, id, "$share/g/t"));
  publish(world, "1", "2", "3", "4", "5", "6");
  expect(members.map((client) => client.messages())).toEqual([
    ["t=1", "t=4"],
    ["t=2", "t=5"],
    ["t=3", "t=6"],
  ]);
});

test("each group gets its own copy, and so does an ordinary subscription", () => {
  const world = new World();
  const a = member(world, "a", "$share/one/t");
  const b = member(world, "b", "$share/two/t");
  const c = member(world, "c", "t");
  const d = member(world, "d", "$share/one/#");
  publish(world, "x");
  // Same name, different filter: another shared subscription (v5 section 4.8.2).
  for (const client of [a, b, c, d]) expect(client.messages()).toEqual(["t=x"]);
});

test("a session gets a copy for its ordinary subscription beside the group's", () => {
  const world = new World();
  const client = open(world, "a");
  client.subscribeWith({ subscriptionIdentifier: 1 }, { topic: "t", qos: 1 });
  client.subscribeWith({ subscriptionIdentifier: 2 }, { topic: "$share/g/t", qos: 0 });
  publish(world, "x");
  const got = client
    .take("publish")
    .map(({ qos, properties }) => [qos, properties?.subscriptionIdentifier]);
  expect(got).toEqual([
    [1, 1],
    [0, 2],
  ]);
});

test("an offline member is skipped while others are connected", () => {
  const world = new World();
  const [a, b, c] = ["a", "b", "c"].map((id) => member(world, id, "$share/g/t"));
  b?.drop();
  publish(world, "1", "2", "3", "4");
  expect(a?.messages()).toEqual(["t=1", "t=3"]);
  expect(c?.messages()).toEqual(["t=2", "t=4"]);
  expect(open(world, "b").messages()).toEqual([]);
});

test("if all members are offline, each message waits for one of them", () => {
  const world = new World();
  for (const id of ["a", "b"]) member(world, id, "$share/g/t").drop();
  publish(world, "1", "2", "3");
  expect(open(world, "a").messages()).toEqual(["t=1", "t=3"]);
  expect(open(world, "b").messages()).toEqual(["t=2"]);
});

test("a member whose window is full is skipped while others have room", () => {
  const world = new World({ limits: { inflight: 2 } });
  const a = member(world, "a", "$share/g/t");
  const b = member(world, "b", "$share/g/t");
  publish(world, "1", "2", "3", "4");
  for (const { messageId = 0 } of b.take("publish")) b.send({ cmd: "puback", messageId });
  publish(world, "5", "6");
  expect(a.messages()).toEqual(["t=1", "t=3"]);
  expect(b.messages()).toEqual(["t=5", "t=6"]);
});

test("turns stay fair when members join and leave", () => {
  const world = new World();
  const [a, b, c] = ["a", "b", "c"].map((id) => member(world, id, "$share/g/t"));
  publish(world, "1", "2");
  a?.unsubscribe("$share/g/t");
  publish(world, "3", "4", "5");
  expect(b?.messages()).toEqual(["t=2", "t=4"]);
  expect(c?.messages()).toEqual(["t=3", "t=5"]);
  c?.unsubscribe("$share/g/t");
  publish(world, "6", "7");
  expect(b?.messages()).toEqual(["t=6", "t=7"]);
  b?.unsubscribe("$share/g/t");
  publish(world, "8");
  expect(world.broker.view().subscriptions).toBe(0);
  expect([a, b, c].map((client) => client?.messages().length)).toEqual([1, 0, 0]);
});

test("a session that ends leaves its groups", () => {
  const world = new World();
  const a = member(world, "a", "$share/g/t");
  const b = member(world, "b", "$share/g/t");
  b.drop();
  world.advance(1_000_000);
  publish(world, "1", "2");
  expect(a.messages()).toEqual(["t=1", "t=2"]);
});

test("v5-4.8.2-3: each member gets its own granted QoS", () => {
  const world = new World();
  const members = ([0, 1, 2] as const).map((qos) => member(world, `m${qos}`, "$share/g/t", qos));
  const source = open(world, "p");
  for (let time = 0; time < 3; time++) source.publish("t", "x", { qos: 2 });
  expect(members.map((client) => client.take("publish").map(({ qos }) => qos))).toEqual([
    [0],
    [1],
    [2],
  ]);
});

test("the QoS 0 path takes turns, too", () => {
  const world = new World();
  const members = ["a", "b"].map((id) => member(world, id, "$share/g/t", 0));
  const source = open(world, "p");
  for (const payload of ["1", "2", "3", "4"]) source.publish("t", payload);
  expect(members.map((client) => client.messages())).toEqual([
    ["t=1", "t=3"],
    ["t=2", "t=4"],
  ]);
});

test("v5-4.8.2-5: a QoS 2 delivery that a member has not finished when its session ends goes to nobody else", () => {
  const world = new World();
  const a = member(world, "a", "$share/g/t", 2);
  const source = open(world, "p");
  source.publish("t", "x", { qos: 2 });
  expect(a.take("publish")).toHaveLength(1);
  const b = member(world, "b", "$share/g/t", 2);
  a.drop();
  world.advance(1_000_000);
  expect(b.messages()).toEqual([]);
});

test("v5-4.8.2-6: nor does a message that a member refuses", () => {
  const world = new World();
  const [a, b] = ["a", "b"].map((id) => member(world, id, "$share/g/t"));
  publish(world, "x");
  a?.send({ cmd: "puback", messageId: 1, reasonCode: 0x80 });
  expect(b?.messages()).toEqual([]);
});

test("v4 clients can share as well", () => {
  const world = new World();
  const members = ["a", "b"].map((clientId) => {
    const client = world.open();
    client.connect({ clientId });
    expect(client.subscribe({ topic: "$share/g/t", qos: 1 })?.granted).toEqual([1]);
    return client;
  });
  publish(world, "1", "2");
  expect(members.map((client) => client.messages())).toEqual([["t=1"], ["t=2"]]);
});
