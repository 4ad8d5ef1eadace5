import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function subscriber(world: World, receiveMaximum: number): TestClient {
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum } });
  client.subscribe({ topic: "t", qos: 2 });
  return client;
}

function publisher(world: World): TestClient {
  const client = world.open();
  client.connect({ clientId: "p", protocolVersion: 5 });
  return client;
}

test("v5-3.3.4-9: at most Receive Maximum unacknowledged messages are in flight", () => {
  const world = new World();
  const client = subscriber(world, 2);
  const source = publisher(world);
  for (const payload of ["a", "b", "c", "d", "e"]) source.publish("t", payload, { qos: 1 });
  expect(client.messages()).toEqual(["t=a", "t=b"]);
  client.send({ cmd: "puback", messageId: 2 });
  expect(client.messages()).toEqual(["t=c"]);
  client.send({ cmd: "puback", messageId: 1 });
  client.send({ cmd: "puback", messageId: 3 });
  expect(client.messages()).toEqual(["t=d", "t=e"]);
});

test("v5-3.3.4-7: QoS 0 is sent while the window is full", () => {
  const world = new World();
  const client = subscriber(world, 1);
  const source = publisher(world);
  for (const payload of ["a", "b"]) source.publish("t", payload, { qos: 1 });
  source.publish("t", "zero");
  expect(client.messages()).toEqual(["t=a", "t=zero"]);
});

test("for QoS 2, PUBCOMP or a PUBREC with an error makes room", () => {
  const world = new World();
  const client = subscriber(world, 1);
  const source = publisher(world);
  for (const payload of ["a", "b", "c"]) source.publish("t", payload, { qos: 2 });
  expect(client.messages()).toEqual(["t=a"]);
  client.send({ cmd: "pubrec", messageId: 1 });
  expect(client.messages()).toEqual([]);
  client.send({ cmd: "pubcomp", messageId: 1 });
  expect(client.messages()).toEqual(["t=b"]);
  client.send({ cmd: "pubrec", messageId: 2, reasonCode: 0x83 });
  expect(client.messages()).toEqual(["t=c"]);
});

test("v4 clients have the configured window", () => {
  const world = new World({ limits: { inflight: 3 } });
  const client = world.open();
  client.connect({ clientId: "s" });
  client.subscribe({ topic: "t", qos: 1 });
  const source = publisher(world);
  for (const payload of ["a", "b", "c", "d"]) source.publish("t", payload, { qos: 1 });
  expect(client.messages()).toHaveLength(3);
  client.send({ cmd: "puback", messageId: 1 });
  expect(client.messages()).toEqual(["t=d"]);
});

test("the session's queue bounds the messages that wait for the window", () => {
  const world = new World({ limits: { queuedMessages: 2, holdTimeoutMs: 0 } });
  const client = subscriber(world, 1);
  const source = publisher(world);
  for (const payload of ["a", "b", "c", "d"]) source.publish("t", payload, { qos: 1 });
  expect(world.noted("dropping")).toMatchObject([{ clientId: "s", why: "queue full" }]);
  client.send({ cmd: "puback", messageId: 1 });
  client.send({ cmd: "puback", messageId: 2 });
  client.send({ cmd: "puback", messageId: 3 });
  expect(client.messages()).toEqual(["t=a", "t=b", "t=c"]);
});

test("v5-4.9.0-1: a client that has more unfinished QoS 2 messages than announced gets 0x93", () => {
  const world = new World({ limits: { receiveMaximum: 3 } });
  const client = publisher(world);
  for (const messageId of [1, 2, 3]) client.publish("t", "x", { qos: 2, messageId });
  client.publish("t", "x", { qos: 2, messageId: 3, dup: true });
  expect(client.closedBy).toBeNull();
  client.publish("t", "x", { qos: 2, messageId: 4 });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x93 }]);
  expect(world.noted("ended")).toMatchObject([{ cause: "quotaExceeded" }]);
});

test("PUBREL makes room, and QoS 1 takes none", () => {
  const world = new World({ limits: { receiveMaximum: 1 } });
  const client = publisher(world);
  for (let messageId = 1; messageId <= 20; messageId++) {
    client.publish("t", "x", { qos: 2, messageId });
    client.publish("t", "x", { qos: 1, messageId: 100 });
    client.send({ cmd: "pubrel", messageId });
  }
  expect(client.closedBy).toBeNull();
  expect(client.take("pubcomp")).toHaveLength(20);
});

test("v5-4.9: messages that an earlier connection left unfinished do not count", () => {
  const world = new World({ limits: { receiveMaximum: 2 } });
  const persistent = {
    clientId: "p",
    protocolVersion: 5 as const,
    clean: false,
    properties: { sessionExpiryInterval: 60 },
  };
  const before = world.open();
  before.connect(persistent);
  for (const messageId of [1, 2]) before.publish("t", "x", { qos: 2, messageId });
  before.drop();
  const client = world.open();
  client.connect(persistent);
  client.publish("t", "x", { qos: 2, messageId: 3 });
  // Resent, the message takes room, as it did on its first connection.
  client.publish("t", "x", { qos: 2, messageId: 1, dup: true });
  expect(client.take("pubrec").map(({ messageId }) => messageId)).toEqual([3, 1]);
  client.publish("t", "x", { qos: 2, messageId: 4 });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x93 }]);
});

test("v4 has no Receive Maximum, so none is enforced", () => {
  const world = new World({ limits: { receiveMaximum: 1 } });
  const client = world.open();
  client.connect({ clientId: "p" });
  for (let messageId = 1; messageId <= 20; messageId++) {
    client.publish("t", "x", { qos: 2, messageId });
  }
  expect(client.take("pubrec")).toHaveLength(20);
});
