import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

const versions = [4, 5] as const;

test.each(versions)(
  "v%d-4.3.2: a QoS 1 PUBLISH is answered with PUBACK and forwarded",
  (version) => {
    const world = new World();
    const subscriber = world.open();
    const publisher = world.open();
    subscriber.connect({ clientId: "s", protocolVersion: version });
    subscriber.subscribe({ topic: "t", qos: 1 });
    publisher.connect({ clientId: "p", protocolVersion: version });
    publisher.publish("t", "x", { qos: 1, messageId: 65_535 });
    expect(publisher.take("puback")).toMatchObject([{ messageId: 65_535 }]);
    expect(subscriber.take("publish")).toMatchObject([
      { topic: "t", qos: 1, dup: false, retain: false, messageId: 1 },
    ]);
  },
);

test.each(versions)(
  "v%d-4.3.2: each message that waits for its PUBACK has its own packet id",
  (version) => {
    const world = new World();
    const client = world.open();
    client.connect({ clientId: "a", protocolVersion: version });
    client.subscribe({ topic: "t", qos: 1 });
    for (let count = 0; count < 100; count++) client.publish("t", String(count), { qos: 1 });
    const ids = client.take("publish").map(({ messageId }) => messageId);
    expect(new Set(ids).size).toBe(100);
    expect(ids).not.toContain(0);
  },
);

test("v4-4.6.0-2, v5-4.6.0-2: PUBACKs are sent in the order of the PUBLISHes", () => {
  const client = new World().open();
  client.connect({ clientId: "a" });
  const ids = [7, 3, 9, 1, 65_535, 2];
  for (const messageId of ids) client.publish("t", "x", { qos: 1, messageId });
  expect(client.take("puback").map(({ messageId }) => messageId)).toEqual(ids);
});

test("v4-3.3.1-3: the publisher's DUP is not forwarded", () => {
  const world = new World();
  const subscriber = world.open();
  const publisher = world.open();
  subscriber.connect({ clientId: "s" });
  subscriber.subscribe({ topic: "t", qos: 2 });
  publisher.connect({ clientId: "p" });
  publisher.publish("t", "1", { qos: 1, dup: true });
  publisher.publish("t", "2", { qos: 2, dup: true });
  expect(subscriber.take("publish")).toMatchObject([{ dup: false }, { dup: false }]);
});

test("v5-3.4.2-1: PUBACK 0x10 when no subscription matches", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.publish("nobody", "x", { qos: 1 });
  client.subscribe("somebody");
  client.publish("somebody", "x", { qos: 1 });
  expect(client.take("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0x10, 0]);
});

test("PUBACK is not 0x10 if a subscriber matched but could not take the message", () => {
  const world = new World();
  const small = world.open();
  small.connect({ clientId: "s", protocolVersion: 5, properties: { maximumPacketSize: 50 } });
  small.subscribe({ topic: "t", qos: 1 });
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.publish("t", "x".repeat(100), { qos: 1 });
  expect(client.take("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0]);
});

test("PUBACK is 0x10 although the message was retained", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.publish("t", "x", { qos: 1, retain: true });
  expect(client.take("puback")).toMatchObject([{ reasonCode: 0x10 }]);
});

test("a QoS 1 message published twice with one id is forwarded twice", () => {
  const client = new World().open();
  client.connect({ clientId: "a" });
  client.subscribe("t");
  client.publish("t", "x", { qos: 1, messageId: 5 });
  client.publish("t", "x", { qos: 1, messageId: 5, dup: true });
  expect(client.messages()).toEqual(["t=x", "t=x"]);
  expect(client.take("puback")).toHaveLength(2);
});

test("v4-3.8.4-6, v5-3.8.4-8: QoS is the lesser of the publisher's and the subscription's", () => {
  for (const protocolVersion of versions) {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    for (const qos of [0, 1, 2] as const) client.subscribe({ topic: `granted/${qos}`, qos });
    const got = [0, 1, 2].map((granted) =>
      ([0, 1, 2] as const).map((qos) => {
        client.publish(`granted/${granted}`, "x", { qos });
        return client.take("publish")[0]?.qos;
      }),
    );
    expect(got).toEqual([
      [0, 0, 0],
      [0, 1, 1],
      [0, 1, 2],
    ]);
  }
});

test("v5-3.4.2-1: PUBACK is not 0x10 if the only subscriber is offline with QoS 0", () => {
  const world = new World();
  const away = world.open();
  away.connect({ clientId: "away", clean: false });
  away.subscribe("t");
  away.drop();
  const publisher = world.open();
  publisher.connect({ clientId: "p", protocolVersion: 5 });
  publisher.publish("t", "x", { qos: 1 });
  publisher.publish("t", "x", { qos: 2 });
  expect(publisher.take("puback")).toMatchObject([{ reasonCode: 0 }]);
  expect(publisher.take("pubrec")).toMatchObject([{ reasonCode: 0 }]);
});
