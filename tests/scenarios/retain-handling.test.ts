import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function scene(): { world: World; subscriber: TestClient; source: TestClient } {
  const world = new World();
  const source = world.open();
  source.connect({ clientId: "p", protocolVersion: 5 });
  source.publish("t", "x", { retain: true });
  const subscriber = world.open();
  subscriber.connect({ clientId: "s", protocolVersion: 5 });
  return { world, subscriber, source };
}

test("v5-3.3.1-9: Retain Handling 0 sends retained messages at each SUBSCRIBE", () => {
  const { subscriber } = scene();
  subscriber.subscribe({ topic: "t", rh: 0 });
  expect(subscriber.messages()).toEqual(["t=x"]);
  subscriber.subscribe({ topic: "t", rh: 0 });
  expect(subscriber.messages()).toEqual(["t=x"]);
});

test("v5-3.3.1-10: Retain Handling 1 sends them only for a new subscription", () => {
  const { subscriber } = scene();
  subscriber.subscribe({ topic: "t", rh: 1 });
  expect(subscriber.messages()).toEqual(["t=x"]);
  subscriber.subscribe({ topic: "t", rh: 1, qos: 1 });
  expect(subscriber.messages()).toEqual([]);
  subscriber.unsubscribe("t");
  subscriber.subscribe({ topic: "t", rh: 1 });
  expect(subscriber.messages()).toEqual(["t=x"]);
});

test("v5-3.3.1-11: Retain Handling 2 sends none", () => {
  const { subscriber, source } = scene();
  subscriber.subscribe({ topic: "t", rh: 2 });
  expect(subscriber.messages()).toEqual([]);
  source.publish("t", "live", { retain: true });
  expect(subscriber.messages()).toEqual(["t=live"]);
});

test("v5-3.3.1-12, v5-3.3.1-13: Retain As Published decides the RETAIN flag of live messages", () => {
  const { subscriber, source } = scene();
  for (const rap of [false, true]) {
    subscriber.subscribe({ topic: "t", rh: 2, rap });
    source.publish("t", "x", { retain: true });
    source.publish("t", "y", { retain: false });
    expect(subscriber.take("publish").map(({ retain }) => retain)).toEqual([rap, false]);
  }
});

test("retained messages have RETAIN 1 whatever Retain As Published is", () => {
  const { subscriber } = scene();
  subscriber.subscribe({ topic: "t", rap: false });
  expect(subscriber.take("publish")).toMatchObject([{ retain: true }]);
});

test("a resumed session gets no retained messages for its earlier subscriptions", () => {
  const { world, source } = scene();
  const session = { clientId: "back", clean: false } as const;
  const first = world.open();
  first.connect(session);
  first.subscribe("t");
  first.drop();
  source.publish("t", "y", { retain: true });
  const second = world.open();
  expect(second.connect(session)?.sessionPresent).toBe(true);
  expect(second.messages()).toEqual([]);
});

test("v5-4.8.2: a shared subscription gets no retained messages", () => {
  const { subscriber } = scene();
  subscriber.subscribe({ topic: "$share/g/t", qos: 1 });
  expect(subscriber.messages()).toEqual([]);
});

test("each subscription of one SUBSCRIBE gets its own, with its identifier and QoS", () => {
  const { subscriber, source } = scene();
  source.publish("t", "x", { retain: true, qos: 2 });
  subscriber.subscribeWith(
    { subscriptionIdentifier: 9 },
    { topic: "t", qos: 1 },
    { topic: "#", qos: 0 },
    { topic: "+", qos: 2, rh: 2 },
  );
  const got = subscriber.take("publish");
  expect(got.map(({ qos, retain }) => [qos, retain])).toEqual([
    [1, true],
    [0, true],
  ]);
  expect(got.map(({ properties }) => properties?.subscriptionIdentifier)).toEqual([9, 9]);
});
