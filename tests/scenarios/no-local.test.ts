import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

test("v5-3.8.3-3: No Local keeps a client's own messages from that client alone", () => {
  const world = new World();
  const client = world.open();
  const other = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  other.connect({ clientId: "b", protocolVersion: 5 });
  client.subscribe({ topic: "t", qos: 1, nl: true });
  other.subscribe({ topic: "t", qos: 1 });
  for (const qos of [0, 1] as const) client.publish("t", `own${qos}`, { qos });
  for (const qos of [0, 1] as const) other.publish("t", `other${qos}`, { qos });
  expect(client.messages()).toEqual(["t=other0", "t=other1"]);
  expect(other.messages()).toEqual(["t=own0", "t=own1", "t=other0", "t=other1"]);
});

test("if a filter without No Local matches as well, it alone counts", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribeWith({ subscriptionIdentifier: 1 }, { topic: "t", qos: 2, nl: true });
  client.subscribeWith({ subscriptionIdentifier: 2 }, { topic: "#", qos: 1 });
  for (const qos of [0, 2] as const) client.publish("t", "x", { qos });
  expect(client.take("publish")).toMatchObject([
    { qos: 0, properties: { subscriptionIdentifier: 2 } },
    { qos: 1, properties: { subscriptionIdentifier: 2 } },
  ]);
});

test("the client id counts, not the connection", () => {
  const world = new World();
  const properties = { sessionExpiryInterval: 60 };
  const first = world.open();
  first.connect({ clientId: "a", protocolVersion: 5, properties });
  first.subscribe({ topic: "t", qos: 1, nl: true });
  const second = world.open();
  second.connect({ clientId: "a", protocolVersion: 5, clean: false, properties });
  second.publish("t", "x", { qos: 1 });
  expect(second.messages()).toEqual([]);
});

test("v5-3.8.3-4: No Local on a shared subscription is a protocol error", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribe({ topic: "$share/g/t", nl: true });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
});
