import { expect, test } from "bun:test";
import { World } from "../support/world.ts";
import { connect, text } from "../wire/frames.ts";

const old = { protocolVersion: 3 } as const;

test("MQTT 3.1: subscribes, publishes and gets messages of all QoS", () => {
  const world = new World();
  const client = world.open();
  expect(client.connect({ clientId: "old", ...old })?.returnCode).toBe(0);
  expect(client.subscribe({ topic: "a", qos: 2 })?.granted).toEqual([2]);
  client.publish("a", "0");
  client.publish("a", "1", { qos: 1 });
  const id = client.publish("a", "2", { qos: 2 });
  client.send({ cmd: "pubrel", messageId: id });
  expect(client.take("puback")).toHaveLength(1);
  expect(client.take("pubcomp")).toMatchObject([{ messageId: id }]);
  expect(client.messages()).toEqual(["a=0", "a=1", "a=2"]);
  client.ping();
  expect(client.take("pingresp")).toHaveLength(1);
});

test("MQTT 3.1: messages pass between 3.1, 3.1.1 and 5.0", () => {
  const world = new World();
  const clients = ([3, 4, 5] as const).map((protocolVersion) => {
    const client = world.open();
    client.connect({ clientId: `v${protocolVersion}`, protocolVersion });
    client.subscribe("t");
    return client;
  });
  for (const client of clients) client.publish("t", "x");
  for (const client of clients) expect(client.messages()).toEqual(["t=x", "t=x", "t=x"]);
});

test("MQTT 3.1: a session that is not clean outlives its connection, but CONNACK has no flag for it", () => {
  const world = new World();
  const first = world.open();
  first.connect({ clientId: "old", clean: false, ...old });
  first.subscribe({ topic: "t", qos: 1 });
  first.drop();
  const publisher = world.open();
  publisher.connect({ clientId: "p" });
  publisher.publish("t", "x", { qos: 1 });
  const second = world.open();
  const connack = second.connect({ clientId: "old", clean: false, ...old });
  expect(connack?.sessionPresent).toBe(false);
  expect(second.messages()).toEqual(["t=x"]);
});

test("MQTT 3.1: a client id has at least one character; more than 23 are accepted, as by other brokers", () => {
  const world = new World();
  const codeFor = (clientId: string) => {
    const client = world.open();
    client.sendBytes(Uint8Array.from(connect(3, { clientId })));
    return client.take("connack")[0]?.returnCode;
  };
  for (const length of [1, 23, 24, 300]) expect(codeFor("x".repeat(length))).toBe(0);
  expect(codeFor("")).toBe(2);
});

test("MQTT 3.1: reserved bits of a CONNECT are ignored, and so are the flags of absent fields", () => {
  for (const parts of [
    { first: 0x1f },
    { flags: 0x03 },
    { flags: 0x3a },
    { flags: 0xc2 },
    { flags: 0xc2, rest: [text("me")] },
  ]) {
    const world = new World();
    const client = world.open();
    client.sendBytes(Uint8Array.from(connect(3, parts)));
    expect(client.take("connack")).toMatchObject([{ returnCode: 0 }]);
    expect(world.broker.view().sessions).toMatchObject([{ clientId: "client", will: null }]);
  }
});

test("MQTT 3.1: a failed subscription is answered with 0x80", () => {
  const world = new World({ limits: { subscriptions: 1 } });
  const client = world.open();
  client.connect({ clientId: "old", ...old });
  expect(client.subscribe("a", "b")?.granted).toEqual([0, 0x80]);
});
