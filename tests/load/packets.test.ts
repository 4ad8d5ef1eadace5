import { expect, test } from "bun:test";
import { type IConnectPacket, type Packet, parser } from "mqtt-packet";
import {
  connect,
  disconnect,
  pingreq,
  publish,
  receiveMaximum,
  repeated,
  subscribe,
  type Version,
} from "../../src/load/packets.ts";

/** What mqtt-packet reads in the bytes. */
function read(bytes: Uint8Array, version: Version): Packet[] {
  const packets: Packet[] = [];
  const reader = parser({ protocolVersion: version });
  reader.on("packet", (packet) => packets.push(packet));
  reader.on("error", (error: Error) => {
    throw error;
  });
  reader.parse(Buffer.from(bytes));
  return packets;
}

for (const version of [4, 5] as const) {
  test(`CONNECT with everything, version ${version}`, () => {
    const bytes = connect(version, {
      clientId: "dev-42",
      keepAlive: 300,
      isClean: false,
      username: "ann",
      password: "secret",
      sessionExpiry: version === 5 ? 7 : undefined,
      will: {
        topic: "w",
        payload: Uint8Array.of(1, 2),
        qos: 2,
        delay: version === 5 ? 70_000 : undefined,
      },
    } as Parameters<typeof connect>[1]);
    const [packet] = read(bytes, version) as IConnectPacket[];
    expect(packet).toMatchObject({
      cmd: "connect",
      protocolVersion: version,
      clean: false,
      clientId: "dev-42",
      keepalive: 300,
      username: "ann",
      password: Buffer.from("secret"),
      will: { topic: "w", payload: Buffer.from([1, 2]), qos: 2, retain: false },
    });
    if (version === 5) {
      expect(packet?.properties?.sessionExpiryInterval).toBe(7);
      expect(packet?.will?.properties?.willDelayInterval).toBe(70_000);
    }
  });

  test(`SUBSCRIBE and PUBLISH, version ${version}`, () => {
    const bytes = Buffer.concat([
      subscribe(version, 258, ["a/+", "b"], 1),
      publish(version, "a/b", new Uint8Array(200), { qos: 2, id: 513, retain: true }),
      repeated(publish(version, "a", new Uint8Array()), 2),
      pingreq,
      disconnect,
    ]);
    const [subscribed, published, ...rest] = read(bytes, version);
    expect(subscribed).toMatchObject({ cmd: "subscribe", messageId: 258 });
    expect(subscribed).toMatchObject({
      subscriptions: [
        { topic: "a/+", qos: 1 },
        { topic: "b", qos: 1 },
      ],
    });
    expect(published).toMatchObject({ cmd: "publish", topic: "a/b", qos: 2, messageId: 513 });
    expect(published).toMatchObject({ retain: true, payload: Buffer.alloc(200) });
    expect(rest.map(({ cmd }) => cmd)).toEqual(["publish", "publish", "pingreq", "disconnect"]);
  });
}

test("lengths of one to four bytes", () => {
  for (const length of [100, 200, 20_000, 3_000_000]) {
    const [packet] = read(publish(4, "t", new Uint8Array(length)), 4);
    expect(packet?.length).toBe(length + 3);
  }
});

test("a Topic Alias is a property", () => {
  const [packet] = read(publish(5, "t", Uint8Array.of(1), { alias: 300 }), 5);
  expect(packet).toMatchObject({ properties: { topicAlias: 300 } });
});

test("Receive Maximum of a CONNACK among other properties, and its default", () => {
  const properties = [0x22, 0, 10, 0x12, 0, 2, 0x61, 0x62, 0x21, 0, 100, 0x24, 1];
  const connack = Uint8Array.of(
    0x20,
    3 + properties.length,
    0,
    0,
    properties.length,
    ...properties,
  );
  expect(receiveMaximum(connack, 0, connack.length)).toBe(100);
  expect(receiveMaximum(Uint8Array.of(0x20, 3, 0, 0, 0), 0, 5)).toBe(65_535);
});
