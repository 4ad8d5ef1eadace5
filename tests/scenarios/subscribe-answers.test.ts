import { expect, test } from "bun:test";
import type { Access } from "../../src/core/access.ts";
import { accessBy } from "../support/access.ts";
import { World } from "../support/world.ts";

test("v4-3.8.4-4, v4-3.8.4-5, v5-3.8.4-5, v5-3.8.4-6: SUBACK has the packet id, and a code for each filter, in order", () => {
  for (const protocolVersion of [4, 5] as const) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    const suback = client.subscribe(
      { topic: "a", qos: 2 },
      { topic: "b", qos: 0 },
      { topic: "c", qos: 1 },
    );
    expect(suback).toMatchObject({ messageId: 1, granted: [2, 0, 1] });
  }
});

test("the granted QoS is no higher than the broker's maximum", () => {
  const client = new World({ limits: { qos: 1 } }).open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  expect(client.subscribe({ topic: "t", qos: 2 })?.granted).toEqual([1]);
});

test("v5-3.11.3: UNSUBACK is 0x11 where there was no subscription, 0 where there was one", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribe("a", "b");
  expect(client.unsubscribe("a", "x", "a", "b")?.granted).toEqual([0, 0x11, 0x11, 0]);
});

test("v4-3.10.4-4, v4-3.10.4-5: UNSUBACK has the packet id, subscribed or not", () => {
  const client = new World().open();
  client.connect({ clientId: "a" });
  client.subscribe("a");
  expect(client.unsubscribe("a")?.messageId).toBe(2);
  expect(client.unsubscribe("a")?.messageId).toBe(3);
});

test("v4-3.10.4-1, v5-3.10.4-1: filters are compared character by character", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribe("a/#", "A");
  expect(client.unsubscribe("a/+", "a/b", "a")?.granted).toEqual([0x11, 0x11, 0x11]);
  client.publish("a/b", "x");
  expect(client.messages()).toEqual(["a/b=x"]);
});

test("0x97 above the limit of subscriptions; an existing filter does not count again", () => {
  const world = new World({ limits: { subscriptions: 2 } });
  const client = world.open();
  const old = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  old.connect({ clientId: "b" });
  expect(client.subscribe("a", "b", "c", { topic: "a", qos: 1 })?.granted).toEqual([0, 0, 0x97, 1]);
  client.publish("c", "x");
  expect(client.messages()).toEqual([]);
  client.unsubscribe("b");
  expect(client.subscribe("c")?.granted).toEqual([0]);
  expect(old.subscribe("a", "b", "c")?.granted).toEqual([0, 0, 0x80]);
});

test("0x8F for a filter of too many levels; the others of the SUBSCRIBE are granted", () => {
  const world = new World({ limits: { topicLevels: 3 } });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  expect(
    client.subscribe("a/b/c", "a/b/c/d", "a/b/#", "a/b/c/#", "$share/g/a/b/c", "$share/g/a/b/c/d")
      ?.granted,
  ).toEqual([0, 0x8f, 0, 0x8f, 0, 0x8f]);
});

test("0x87 where the access list denies the filter, 0x80 in v4", () => {
  const access: Access = accessBy({
    maySubscribe: ({ clientId }, filter) => filter.startsWith(`${clientId}/`),
  });
  const world = new World({ access });
  const client = world.open();
  const old = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  old.connect({ clientId: "b" });
  expect(client.subscribe("a/#", "b/x", "$share/g/a/x", "$share/g/b/x")?.granted).toEqual([
    0, 0x87, 0, 0x87,
  ]);
  expect(old.subscribe("a/x", "b/x")?.granted).toEqual([0x80, 0]);
  client.publish("b/x", "x");
  expect(client.messages()).toEqual([]);
  expect(old.messages()).toEqual(["b/x=x"]);
});

test("v5-4.7.1-1: a malformed filter ends the connection with 0x8F", () => {
  for (const topic of ["a/#/b", "a#", "+a"]) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion: 5 });
    client.subscribe(topic);
    expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x8f }]);
    expect(client.closedBy).toBe("end");
  }
});

test("each answer is an event with the filter and the code", () => {
  const world = new World({ limits: { subscriptions: 1 } });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.subscribe({ topic: "x", qos: 1 }, "y");
  client.unsubscribe("x", "y");
  expect(world.noted("subscribed").map(({ filter, reason }) => [filter, reason])).toEqual([
    ["x", 1],
    ["y", 0x97],
  ]);
  expect(world.noted("unsubscribed").map(({ filter }) => filter)).toEqual(["x"]);
});
