import { describe, expect, test } from "bun:test";
import { Reason } from "../../src/core/reason.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import {
  connect,
  connected,
  errorOf,
  frame,
  publish,
  read,
  testRefused,
  text,
  type RefusedCase,
} from "./frames.ts";

const fromServer = {
  CONNACK: [0x20, [0, 0]],
  SUBACK: [0x90, [0, 1, 0]],
  UNSUBACK: [0xb0, [0, 1]],
  PINGRESP: [0xd0, []],
} as const;

const cases: readonly RefusedCase[] = [
  ...Object.entries(fromServer).flatMap(([name, [first, body]]): RefusedCase[] => [
    {
      name: `${name} from a client, v4`,
      version: 4,
      bytes: frame(first, body),
      reason: "protocolError",
      statement: "v4-2.2.1",
    },
    {
      name: `${name} from a client, v5`,
      version: 5,
      bytes: frame(first, body),
      reason: "protocolError",
      statement: "v5-2.1.2",
    },
  ]),
  {
    name: "packet type 0, v4",
    version: 4,
    bytes: frame(0x00),
    reason: "malformedPacket",
    statement: "v4-2.2.1",
  },
  {
    name: "packet type 0, v5",
    version: 5,
    bytes: frame(0x0f),
    reason: "malformedPacket",
    statement: "v5-2.1.2",
  },
  {
    name: "Remaining Length of five bytes, v4",
    version: 4,
    bytes: [0x30, 0x80, 0x80, 0x80, 0x80, 0x01],
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "Remaining Length of five bytes, v5",
    version: 5,
    bytes: [0xc0, 0xff, 0xff, 0xff, 0xff, 0x7f],
    reason: "malformedPacket",
    statement: "v5-1.5.5",
  },
  {
    name: "Remaining Length in more bytes than it needs",
    version: 5,
    bytes: [0xc0, 0x80, 0x00],
    reason: "malformedPacket",
    statement: "v5-1.5.5-1",
  },
];

describe("refused by its fixed header:", () => testRefused(cases, false));

test("v4 has no rule against a Remaining Length in more bytes than necessary", () => {
  expect(read(4, [0xc0, 0x80, 0x00])).toEqual({ type: "pingreq" });
  expect(read(4, [0xe0, 0x80, 0x80, 0x00])).toMatchObject({ type: "disconnect" });
  const subscribe = frame(0x82, [0, 1], text("a"), [1]);
  expect(read(4, [0x82, 0x86, 0x80, 0x80, 0x00, ...subscribe.slice(2)])).toMatchObject({
    subscriptions: [{ filter: "a", qos: 1 }],
  });
  expect(read(4, [0x30, 0x85, 0x00, ...publish(4).slice(2)])).toMatchObject({ topic: "a/b" });
});

describe("3.1 allows DUP on a resent packet:", () => {
  test("PUBREL", () => {
    expect(read(3, [0x6a, 2, 0, 1])).toEqual({ type: "pubrel", packetId: 1, reason: 0 });
  });
  test("SUBSCRIBE", () => {
    const packet = read(3, frame(0x8a, [0, 1], text("a"), [2]));
    expect(packet).toMatchObject({ type: "subscribe", subscriptions: [{ filter: "a", qos: 2 }] });
  });
  test("UNSUBSCRIBE", () => {
    const packet = read(3, frame(0xaa, [0, 1], text("a")));
    expect(packet).toEqual({ type: "unsubscribe", packetId: 1, filters: ["a"] });
  });
  test("but no other QoS", () => {
    expect(errorOf(read(3, [0x60, 2, 0, 1])).statement).toBe("v4-3.6.1-1");
    expect(errorOf(read(3, frame(0x84, [0, 1], text("a"), [0]))).statement).toBe("v4-3.8.1-1");
  });
});

describe("3.1 ignores flags that a packet does not use:", () => {
  test("PUBACK", () => {
    expect(read(3, [0x4f, 2, 0, 1])).toEqual({ type: "puback", packetId: 1, reason: 0 });
  });
  test("SUBSCRIBE", () => {
    const packet = read(3, frame(0x83, [0, 1], text("a"), [2]));
    expect(packet).toMatchObject({ type: "subscribe", subscriptions: [{ filter: "a", qos: 2 }] });
  });
  test("PINGREQ and DISCONNECT", () => {
    expect(read(3, [0xc1, 0])).toEqual({ type: "pingreq" });
    expect(read(3, [0xe8, 0])).toMatchObject({ type: "disconnect" });
  });
});

describe("the first packet is CONNECT (v4-3.1.0-1):", () => {
  for (let type = 0; type < 16; type++) {
    if (type === 1) continue;
    test(`type ${type} is refused by its first byte`, () => {
      const reader = new PacketReader({ packetSize: 1000 });
      reader.feed(Uint8Array.of(type << 4));
      expect(reader.next()).toMatchObject({
        type: "violation",
        error: { reason: Reason.protocolError, statement: "v4-3.1.0-1" },
        version: null,
      });
      expect(reader.version).toBeNull();
      expect(reader.buffered).toBe(0);
    });
  }
});

test("packets before the violation are read, those behind it are not", () => {
  const reader = connected(4);
  reader.feed(Uint8Array.of(0xc0, 0, 0xc0, 0, 0xd0, 0, 0xc0, 0));
  expect(reader.next()).toEqual({ type: "pingreq" });
  expect(reader.next()).toEqual({ type: "pingreq" });
  expect(reader.next()).toMatchObject({ type: "violation" });
  expect(reader.next()).toBeNull();
  expect(reader.buffered).toBe(0);
});

test("a CONNECT and the packets after it in one chunk are all read", () => {
  const reader = new PacketReader({ packetSize: 1000 });
  reader.feed(Uint8Array.from([...connect(5), ...publish(5), 0xc0, 0]));
  expect(reader.next()).toMatchObject({ type: "connect", version: 5 });
  expect(reader.next()).toMatchObject({ type: "publish", topic: "a/b" });
  expect(reader.next()).toEqual({ type: "pingreq" });
  expect(reader.next()).toBeNull();
});
