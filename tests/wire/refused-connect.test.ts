import { describe, expect, test } from "bun:test";
import { Reason } from "../../src/core/reason.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import {
  connect,
  errorOf,
  frame,
  readFirst,
  testRefused,
  text,
  type RefusedCase,
} from "./frames.ts";

const cases: readonly RefusedCase[] = [
  {
    name: "reserved Connect Flag, v4",
    version: 4,
    bytes: connect(4, { flags: 0x03 }),
    reason: "malformedPacket",
    statement: "v4-3.1.2-3",
  },
  {
    name: "reserved Connect Flag, v5",
    version: 5,
    bytes: connect(5, { flags: 0x03 }),
    reason: "malformedPacket",
    statement: "v5-3.1.2-3",
  },
  {
    name: "flags of the first byte, v4",
    version: 4,
    bytes: connect(4, { first: 0x11 }),
    reason: "malformedPacket",
    statement: "v4-2.2.2-2",
  },
  {
    name: "flags of the first byte, v5",
    version: 5,
    bytes: connect(5, { first: 0x18 }),
    reason: "malformedPacket",
    statement: "v5-2.1.3-1",
  },
  {
    name: "password without user name, v4",
    version: 4,
    bytes: connect(4, { flags: 0x42, rest: [text("secret")] }),
    reason: "protocolError",
    statement: "v4-3.1.2-22",
  },
  {
    name: "password without user name, 3.1",
    version: 3,
    bytes: connect(3, { flags: 0x42, rest: [text("secret")] }),
    reason: "protocolError",
    statement: "v4-3.1.2-22",
  },
  {
    name: "user name flag without a user name",
    version: 4,
    bytes: connect(4, { flags: 0x82 }),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "password flag without a password",
    version: 5,
    bytes: connect(5, { flags: 0xc2, rest: [text("me")] }),
    reason: "malformedPacket",
    statement: "v5-2.1.4",
  },
  {
    name: "user name without its flag",
    version: 4,
    bytes: connect(4, { rest: [text("me")] }),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "bytes behind the last field, v5",
    version: 5,
    bytes: connect(5, { rest: [[0]] }),
    reason: "malformedPacket",
    statement: "v5-2.1.4",
  },
  {
    name: "no client identifier field",
    version: 4,
    bytes: frame(0x10, text("MQTT"), [4, 2, 0, 60]),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "ends within Keep Alive",
    version: 5,
    bytes: frame(0x10, text("MQTT"), [5, 2, 0]),
    reason: "malformedPacket",
    statement: "v5-2.1.4",
  },
  {
    name: "client identifier is not UTF-8, v4",
    version: 4,
    bytes: connect(4, { clientId: [0xc0, 0x80] }),
    reason: "malformedPacket",
    statement: "v4-1.5.3-1",
  },
  {
    name: "user name is not UTF-8, v5",
    version: 5,
    bytes: connect(5, { flags: 0x82, rest: [text([0xff])] }),
    reason: "malformedPacket",
    statement: "v5-1.5.4-1",
  },
  {
    name: "Remaining Length in more bytes than it needs, v5",
    version: 5,
    bytes: [0x10, 0x93, 0x00, ...connect(5).slice(2)],
    reason: "malformedPacket",
    statement: "v5-1.5.5-1",
  },
];

describe("a CONNECT is refused for", () => testRefused(cases, true));

describe("an unsupported protocol level gets an answer", () => {
  const levels = [
    { name: "MQTT", level: 6, version: 5 },
    { name: "MQTT", level: 127, version: 5 },
    { name: "MQTT", level: 3, version: 4 },
    { name: "MQTT", level: 0, version: 4 },
    { name: "MQTT", level: 0x83, version: 4 },
    { name: "MQTT", level: 0x85, version: 4 },
    { name: "MQIsdp", level: 4, version: 4 },
    { name: "MQIsdp", level: 0x84, version: 4 },
  ] as const;
  for (const { name, level, version } of levels) {
    test(`${name} ${level} in the form of v${version} (v${version}-3.1.2-2)`, () => {
      // The bytes after the level belong to another standard.
      expect(readFirst(frame(0x10, text(name), [level, 0xff]))).toEqual({
        type: "violation",
        error: {
          reason: Reason.unsupportedProtocolVersion,
          statement: `v${version}-3.1.2-2`,
          detail: expect.any(String),
        },
        version,
        clientId: null,
      });
    });
  }
});

describe("the bridge bit of mosquitto", () => {
  for (const version of [3, 4] as const) {
    test(`level 0x8${version} is MQTT ${version} from a bridge`, () => {
      const level = 0x80 | version;
      expect(readFirst(connect(version, { level }))).toMatchObject({ version, bridge: true });
      expect(readFirst(connect(version))).toMatchObject({ version, bridge: false });
    });
  }
});

describe("MQTT 3.1 ignores in a CONNECT", () => {
  const nobody = { type: "connect", version: 3, username: null, password: null, will: null };
  const named = { username: "me" };
  for (const { name, bytes, packet } of [
    { name: "the flags of the first byte", bytes: connect(3, { first: 0x1f }), packet: {} },
    { name: "the reserved Connect Flag", bytes: connect(3, { flags: 0x03 }), packet: {} },
    { name: "Will QoS without a will", bytes: connect(3, { flags: 0x1a }), packet: {} },
    { name: "Will Retain without a will", bytes: connect(3, { flags: 0x22 }), packet: {} },
    {
      name: "the flags of a name that is not there",
      bytes: connect(3, { flags: 0xc2 }),
      packet: {},
    },
    {
      name: "the flag of a password that is not there",
      bytes: connect(3, { flags: 0xc2, rest: [text("me")] }),
      packet: named,
    },
  ]) {
    test(name, () => {
      expect(readFirst(bytes)).toMatchObject({ ...nobody, cleanStart: true, ...packet });
    });
  }

  test("but not a name that is cut off", () => {
    const violation = readFirst(connect(3, { flags: 0x82, rest: [[0, 9, 0x6d]] }));
    expect(errorOf(violation).reason).toBe(Reason.malformedPacket);
  });
});

describe("a CONNECT with an unreadable version has none", () => {
  test("another protocol's name (v4-3.1.2-1)", () => {
    const violation = readFirst(connect(4, { name: "AMQP" }));
    expect(violation).toMatchObject({ version: null });
    expect(errorOf(violation)).toMatchObject({
      reason: Reason.malformedPacket,
      statement: "v4-3.1.2-1",
    });
  });
  test("the name in another case (v4-3.1.2-1)", () => {
    expect(errorOf(readFirst(connect(4, { name: "mqtt" }))).statement).toBe("v4-3.1.2-1");
  });
  test("ends before its level", () => {
    const violation = readFirst(frame(0x10, text("MQTT")));
    expect(violation).toMatchObject({ version: null });
    expect(errorOf(violation).statement).toBe("v4-2.2.3");
  });
  test("empty", () => {
    expect(errorOf(readFirst([0x10, 0x00])).reason).toBe(Reason.malformedPacket);
  });
});

test("the version is known from the level on, also when the CONNECT is refused", () => {
  const reader = new PacketReader({ packetSize: 1000 });
  expect(reader.version).toBeNull();
  reader.feed(Uint8Array.from(connect(5, { flags: 0x03 })));
  expect(reader.next()).toMatchObject({ type: "violation", version: 5 });
  expect(reader.version).toBe(5);
});
