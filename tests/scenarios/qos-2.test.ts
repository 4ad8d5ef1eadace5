import { expect, test } from "bun:test";
import { World } from "../support/world.ts";

const versions = [4, 5] as const;

test.each(versions)("v%d-4.3.3: from PUBLISH to PUBCOMP, both ways", (protocolVersion) => {
  const world = new World();
  const subscriber = world.open();
  const publisher = world.open();
  subscriber.connect({ clientId: "s", protocolVersion });
  subscriber.subscribe({ topic: "t", qos: 2 });
  publisher.connect({ clientId: "p", protocolVersion });
  publisher.publish("t", "x", { qos: 2, messageId: 9 });
  expect(publisher.received).toMatchObject([{ cmd: "pubrec", messageId: 9 }]);
  publisher.send({ cmd: "pubrel", messageId: 9 });
  expect(publisher.take("pubcomp")).toMatchObject([{ messageId: 9 }]);

  expect(subscriber.take("publish")).toMatchObject([{ qos: 2, messageId: 1, dup: false }]);
  subscriber.send({ cmd: "pubrec", messageId: 1 });
  expect(subscriber.take("pubrel")).toMatchObject([{ messageId: 1 }]);
  subscriber.send({ cmd: "pubcomp", messageId: 1 });
  expect(subscriber.received).toEqual([]);
  expect(world.broker.view().sessions).toMatchObject([
    { inflight: 0, incoming: 0 },
    { inflight: 0, incoming: 0 },
  ]);
});

test.each(versions)(
  "v%d-4.3.3: until PUBREL the same id delivers no second message",
  (protocolVersion) => {
    const client = new World().open();
    client.connect({ clientId: "a", protocolVersion });
    client.subscribe("t");
    for (const dup of [false, true, false]) client.publish("t", "x", { qos: 2, messageId: 4, dup });
    expect(client.messages()).toEqual(["t=x"]);
    expect(client.take("pubrec").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0, 0, 0]);
    client.send({ cmd: "pubrel", messageId: 4 });
    client.publish("t", "y", { qos: 2, messageId: 4 });
    expect(client.messages()).toEqual(["t=y"]);
  },
);

test.each(versions)(
  "v%d-4.3.3: nor after a reconnect that resumes the session",
  (protocolVersion) => {
    const world = new World();
    const session = { clientId: "a", clean: false, protocolVersion };
    const properties = { sessionExpiryInterval: 60 };
    const watcher = world.open();
    watcher.connect({ clientId: "w" });
    watcher.subscribe("t");
    const first = world.open();
    first.connect({ ...session, properties });
    first.publish("t", "x", { qos: 2, messageId: 4 });
    first.drop();
    const second = world.open();
    expect(second.connect({ ...session, properties })?.sessionPresent).toBe(true);
    second.publish("t", "x", { qos: 2, messageId: 4, dup: true });
    expect(second.take("pubrec")).toMatchObject([{ messageId: 4 }]);
    second.send({ cmd: "pubrel", messageId: 4 });
    second.send({ cmd: "pubrel", messageId: 4 });
    expect(second.take("pubcomp").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([
      0,
      protocolVersion === 5 ? 0x92 : 0,
    ]);
    expect(watcher.messages()).toEqual(["t=x"]);
  },
);

test("a new session does not know the old one's ids", () => {
  const world = new World();
  const first = world.open();
  first.connect({ clientId: "a", clean: false });
  first.publish("t", "x", { qos: 2, messageId: 4 });
  const second = world.open();
  second.connect({ clientId: "a", clean: true });
  second.subscribe("t");
  second.publish("t", "y", { qos: 2, messageId: 4 });
  expect(second.messages()).toEqual(["t=y"]);
});

test("v5-3.5.2-1: PUBREC 0x10 when no subscription matches, and PUBREL still ends the exchange", () => {
  const client = new World().open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  const messageId = client.publish("nobody", "x", { qos: 2 });
  expect(client.take("pubrec")).toMatchObject([{ reasonCode: 0x10 }]);
  client.send({ cmd: "pubrel", messageId });
  expect(client.take("pubcomp").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0]);
});

test("PUBREC with an error frees the id: the broker waits for no PUBREL", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  const messageId = client.publish("$SYS/broker/version", "mine", { qos: 2 });
  expect(client.take("pubrec")).toMatchObject([{ messageId, reasonCode: 0x87 }]);
  expect(world.broker.view().sessions).toMatchObject([{ incoming: 0 }]);
});

test("v4-4.6.0-3, v5-4.6.0-3: PUBRECs are sent in the order of the PUBLISHes", () => {
  const client = new World().open();
  client.connect({ clientId: "a" });
  const ids = [7, 3, 9, 1, 2];
  for (const messageId of ids) client.publish("t", "x", { qos: 2, messageId });
  expect(client.take("pubrec").map(({ messageId }) => messageId)).toEqual(ids);
  for (const messageId of ids) client.send({ cmd: "pubrel", messageId });
  expect(client.take("pubcomp").map(({ messageId }) => messageId)).toEqual(ids);
});
