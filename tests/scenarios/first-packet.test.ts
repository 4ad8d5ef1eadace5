import { expect, test } from "bun:test";
import { generate, type Packet } from "mqtt-packet";
import { World } from "../support/world.ts";

const firsts: Packet[] = [
  { cmd: "publish", topic: "t", payload: "x", qos: 0, dup: false, retain: false },
  { cmd: "pingreq" },
  { cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 0 }] },
  { cmd: "disconnect" },
  { cmd: "puback", messageId: 1 },
];

test("v4-3.1.0-1, v5-3.1.0-1: a first packet other than CONNECT ends the connection without an answer", () => {
  for (const packet of firsts) {
    const world = new World();
    const watcher = world.open();
    watcher.connect({ clientId: "watcher" });
    watcher.subscribe("#");
    const client = world.open();
    client.send(packet);
    expect(client.closedBy).toBe("end");
    expect(client.received).toEqual([]);
    expect(watcher.messages()).toEqual([]);
    expect(world.noted("ended")).toMatchObject([{ cause: "protocolError", wasConnected: false }]);
  }
});

test("AUTH as first packet ends the connection", () => {
  const world = new World();
  const client = world.open();
  client.sendBytes(Uint8Array.from([0xf0, 0]));
  expect(client.closedBy).toBe("end");
});

test("v4-3.1.0-2: a second CONNECT ends a v4 connection without an answer", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a" });
  expect(client.connect({ clientId: "a" })).toBeUndefined();
  expect(client.closedBy).toBe("end");
  expect(client.received).toEqual([]);
  expect(world.noted("ended")).toMatchObject([
    { cause: "protocolError", statement: "v4-3.1.0-2", wasConnected: true },
  ]);
});

test("v5-3.1.0-2: a second CONNECT ends a v5 connection with DISCONNECT 0x82", () => {
  const world = new World();
  const client = world.open();
  client.connect({ clientId: "a", protocolVersion: 5 });
  client.connect({ clientId: "b", protocolVersion: 5 });
  expect(client.take("disconnect")).toMatchObject([{ reasonCode: 0x82 }]);
  expect(client.closedBy).toBe("end");
  expect(world.broker.view().sessions).toEqual([]);
});

test("packets that arrive in one chunk with CONNECT are handled after it", () => {
  const world = new World();
  const client = world.open();
  const connect = { cmd: "connect", clientId: "a", clean: true, keepalive: 0 } as const;
  const flight = [
    generate({ ...connect, protocolId: "MQTT", protocolVersion: 4 }),
    generate({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic: "t", qos: 1 }] }),
    generate({
      cmd: "publish",
      topic: "t",
      payload: "x",
      qos: 1,
      messageId: 2,
      dup: false,
      retain: false,
    }),
    generate({ cmd: "disconnect" }),
  ];
  client.sendBytes(Buffer.concat(flight));
  expect(client.received.map(({ cmd }) => cmd)).toEqual(["connack", "suback", "publish", "puback"]);
  expect(client.closedBy).toBe("end");
});

test("packets that a client sends after the broker has ended its connection are ignored", () => {
  const world = new World();
  const watcher = world.open();
  watcher.connect({ clientId: "watcher" });
  watcher.subscribe("#");
  const client = world.open();
  client.connect({ clientId: "a" });
  client.send({ cmd: "disconnect" });
  client.publish("t", "late");
  expect(watcher.messages()).toEqual([]);
});
