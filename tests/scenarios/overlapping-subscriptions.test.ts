import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function open(world: World, clientId: string, protocolVersion: 4 | 5 = 5): TestClient {
  const client = world.open();
  client.connect({ clientId, protocolVersion });
  return client;
}

test("v4-3.3.5-1: overlapping subscriptions give one copy, at their highest QoS", () => {
  const client = open(new World(), "a", 4);
  client.subscribe({ topic: "a/b", qos: 0 }, { topic: "a/+", qos: 2 }, { topic: "#", qos: 1 });
  client.publish("a/b", "x", { qos: 2 });
  expect(client.take("publish")).toMatchObject([{ qos: 2 }]);
});

test("v5-3.3.4-2, v5-3.3.4-3: the one copy carries the identifiers of all matching subscriptions", () => {
  const client = open(new World(), "a");
  client.subscribeWith({ subscriptionIdentifier: 1 }, { topic: "a/b", qos: 1 });
  client.subscribeWith({ subscriptionIdentifier: 200 }, { topic: "a/+", qos: 2 });
  client.subscribeWith({ subscriptionIdentifier: 268_435_455 }, { topic: "#", qos: 0 });
  client.subscribe({ topic: "+/b", qos: 0 });
  client.subscribeWith({ subscriptionIdentifier: 77 }, { topic: "other", qos: 2 });
  client.publish("a/b", "x", { qos: 2 });
  const got = client.take("publish");
  expect(got).toMatchObject([{ qos: 2 }]);
  const identifiers = [got[0]?.properties?.subscriptionIdentifier ?? []].flat();
  expect(identifiers.toSorted((a, b) => a - b)).toEqual([1, 200, 268_435_455]);
});

test("v5-3.3.4-4: one identifier alone, where one filter with an identifier matched", () => {
  const client = open(new World(), "a");
  client.subscribeWith({ subscriptionIdentifier: 5 }, "a/+");
  client.subscribeWith({ subscriptionIdentifier: 6 }, "b/+");
  client.publish("b/x", "x");
  expect(client.take("publish")[0]?.properties?.subscriptionIdentifier).toBe(6);
});

test("identifiers reach only their own subscriber", () => {
  const world = new World();
  const clients = ["a", "b", "c"].map((id) => open(world, id));
  for (const [index, client] of clients.entries()) {
    if (index < 2) client.subscribeWith({ subscriptionIdentifier: index + 1 }, "t");
    else client.subscribe("t");
  }
  const source = open(world, "p");
  for (let time = 0; time < 3; time++) source.publish("t", "x");
  for (const [index, client] of clients.entries()) {
    const identifiers = client
      .take("publish")
      .map(({ properties }) => properties?.subscriptionIdentifier);
    const own = index < 2 ? index + 1 : undefined;
    expect(identifiers).toEqual([own, own, own]);
  }
});

test("v5-3.8.4-3: a SUBSCRIBE to the same filter replaces its QoS and its identifier", () => {
  const client = open(new World(), "a");
  client.subscribeWith({ subscriptionIdentifier: 1 }, { topic: "t", qos: 2 });
  client.subscribeWith({ subscriptionIdentifier: 2 }, { topic: "t", qos: 1 });
  client.publish("t", "x", { qos: 2 });
  expect(client.take("publish")).toMatchObject([
    { qos: 1, properties: { subscriptionIdentifier: 2 } },
  ]);
  client.subscribe({ topic: "t", qos: 0 });
  client.publish("t", "x", { qos: 2 });
  const [last] = client.take("publish");
  expect(last?.qos).toBe(0);
  expect(last?.properties?.subscriptionIdentifier).toBeUndefined();
});

test("Retain As Published holds if any of the overlapping subscriptions has it", () => {
  const client = open(new World(), "a");
  client.subscribe({ topic: "t", rap: true }, { topic: "#", rap: false });
  client.publish("t", "x", { retain: true });
  expect(client.take("publish")).toMatchObject([{ retain: true }]);
});

test("after UNSUBSCRIBE from one of them the other continues with its own QoS", () => {
  const client = open(new World(), "a");
  client.subscribe({ topic: "a/b", qos: 2 }, { topic: "a/#", qos: 0 });
  client.unsubscribe("a/b");
  client.publish("a/b", "x", { qos: 2 });
  expect(client.take("publish")).toMatchObject([{ qos: 0 }]);
});
