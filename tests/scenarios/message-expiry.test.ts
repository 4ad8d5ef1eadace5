import { expect, test } from "bun:test";
import type { TestClient } from "../support/client.ts";
import { World } from "../support/world.ts";

function publisher(world: World): TestClient {
  const client = world.open();
  client.connect({ clientId: "p", protocolVersion: 5 });
  return client;
}

const lasting = { clientId: "s", protocolVersion: 5, clean: false } as const;
const properties = { sessionExpiryInterval: 1000 };

test("v5-3.3.2-6: a queued message is sent with the rest of its Message Expiry Interval", () => {
  const world = new World();
  const first = world.open();
  first.connect({ ...lasting, properties });
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const source = publisher(world);
  source.publish("t", "a", { qos: 1, properties: { messageExpiryInterval: 100 } });
  world.advance(1500);
  source.publish("t", "b", { qos: 1 });
  world.advance(10_000);
  const second = world.open();
  second.connect({ ...lasting, properties });
  const got = second.take("publish");
  expect(got.map(({ properties: own }) => own?.messageExpiryInterval)).toEqual([89, undefined]);
});

test("v5-3.3.2-5: a message that has expired in a queue is not sent, to the millisecond", () => {
  const world = new World();
  const first = world.open();
  first.connect({ ...lasting, properties });
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const source = publisher(world);
  source.publish("t", "a", { qos: 1, properties: { messageExpiryInterval: 10 } });
  world.advance(1);
  source.publish("t", "b", { qos: 1, properties: { messageExpiryInterval: 10 } });
  world.advance(9999);
  const second = world.open();
  second.connect({ ...lasting, properties });
  expect(second.take("publish")).toMatchObject([
    { payload: Buffer.from("b"), properties: { messageExpiryInterval: 1 } },
  ]);
});

test("a message that did not wait has the publisher's interval; v4 gets none", () => {
  const world = new World();
  const modern = world.open();
  const old = world.open();
  modern.connect({ clientId: "m", protocolVersion: 5 });
  old.connect({ clientId: "o" });
  for (const client of [modern, old]) client.subscribe("t");
  const source = publisher(world);
  for (const messageExpiryInterval of [0, 1, 0xffff_ffff]) {
    source.publish("t", "x", { properties: { messageExpiryInterval } });
  }
  expect(modern.take("publish").map(({ properties: own }) => own?.messageExpiryInterval)).toEqual([
    0, 1, 0xffff_ffff,
  ]);
  expect(old.messages()).toEqual(["t=x", "t=x", "t=x"]);
});

test("v4 subscribers do not get expired messages either", () => {
  const world = new World();
  const session = { clientId: "s", clean: false };
  const first = world.open();
  first.connect(session);
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  publisher(world).publish("t", "x", { qos: 1, properties: { messageExpiryInterval: 1 } });
  world.advance(1000);
  const second = world.open();
  second.connect(session);
  expect(second.messages()).toEqual([]);
});

test("thousands of expired messages in a queue do not delay an unexpired one", () => {
  const world = new World({ limits: { queuedMessages: 5000 } });
  const first = world.open();
  first.connect({ ...lasting, properties });
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const source = publisher(world);
  for (let count = 0; count < 3000; count++) {
    source.publish("t", "x", { qos: 1, messageId: 1, properties: { messageExpiryInterval: 1 } });
  }
  source.publish("t", "last", { qos: 1 });
  world.advance(1000);
  const second = world.open();
  second.connect({ ...lasting, properties });
  world.advance(50);
  expect(second.messages()).toEqual(["t=last"]);
});

test("waiting for the client's window counts as waiting", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "s", protocolVersion: 5, properties: { receiveMaximum: 1 } });
  client.subscribe({ topic: "t", qos: 1 });
  const source = publisher(world);
  for (const [payload, messageExpiryInterval] of [
    ["first", 5],
    ["short", 5],
    ["long", 60],
  ] as const) {
    source.publish("t", payload, { qos: 1, properties: { messageExpiryInterval } });
  }
  world.advance(20_000);
  client.send({ cmd: "puback", messageId: 1 });
  expect(client.take("publish")).toMatchObject([
    { properties: { messageExpiryInterval: 5 } },
    { properties: { messageExpiryInterval: 40 } },
  ]);
});
