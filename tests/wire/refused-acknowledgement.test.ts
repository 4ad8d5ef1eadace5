import { describe, expect, test } from "bun:test";
import { Reason } from "../../src/core/reason.ts";
import { errorOf, frame, read, testRefused, text, type RefusedCase } from "./frames.ts";

const acknowledgements = [
  { name: "PUBACK", first: 0x40, section: "3.4.2", accepted: [0, 0x10, 0x80, 0x87, 0x97, 0x99] },
  { name: "PUBREC", first: 0x50, section: "3.5.2", accepted: [0, 0x10, 0x80, 0x87, 0x97, 0x99] },
  { name: "PUBREL", first: 0x62, section: "3.6.2", accepted: [0, 0x92] },
  { name: "PUBCOMP", first: 0x70, section: "3.7.2", accepted: [0, 0x92] },
] as const;

for (const { name, first, section, accepted } of acknowledgements) {
  const cases: readonly RefusedCase[] = [
    {
      name: "Packet Identifier 0, v4",
      version: 4,
      bytes: frame(first, [0, 0]),
      reason: "protocolError",
      statement: "v4-2.3.1-6",
    },
    {
      name: "Packet Identifier 0, v5",
      version: 5,
      bytes: frame(first, [0, 0]),
      reason: "protocolError",
      statement: "v5-2.2.1-5",
    },
    {
      name: "no body",
      version: 4,
      bytes: frame(first),
      reason: "malformedPacket",
      statement: "v4-2.2.3",
    },
    {
      name: "half a Packet Identifier",
      version: 5,
      bytes: frame(first, [1]),
      reason: "malformedPacket",
      statement: "v5-2.1.4",
    },
    {
      name: "a reason code in v4",
      version: 4,
      bytes: frame(first, [0, 1, 0]),
      reason: "malformedPacket",
      statement: "v4-2.2.3",
    },
    {
      name: "a reason code that it has not",
      version: 5,
      bytes: frame(first, [0, 1, 0x81]),
      reason: "protocolError",
      statement: `v5-${section}-1`,
    },
    {
      name: "bytes behind its properties",
      version: 5,
      bytes: frame(first, [0, 1, 0, 0, 0]),
      reason: "malformedPacket",
      statement: "v5-2.1.4",
    },
    {
      name: "properties cut short",
      version: 5,
      bytes: frame(first, [0, 1, 0, 5, 0x1f]),
      reason: "malformedPacket",
      statement: "v5-2.2.2.1",
    },
    {
      name: "a Reason String twice",
      version: 5,
      bytes: frame(first, [0, 1, 0, 8, 0x1f, ...text("a"), 0x1f, ...text("b")]),
      reason: "protocolError",
      statement: `v5-${section}.2.2`,
    },
    {
      name: "another packet's property",
      version: 5,
      bytes: frame(first, [0, 1, 0, 3, 0x23, 0, 1]),
      reason: "malformedPacket",
      statement: "v5-2.2.2.2",
    },
    {
      name: "its flags",
      version: 5,
      bytes: frame(first ^ 0x01, [0, 1]),
      reason: "malformedPacket",
      statement: name === "PUBREL" ? "v5-3.6.1-1" : "v5-2.1.3-1",
    },
  ];
  describe(`${name} is refused for`, () => testRefused(cases, false));

  test(`${name} is accepted in every length that it may have`, () => {
    const type = name.toLowerCase();
    const plain: unknown = { type, packetId: 0x1234, reason: 0 };
    expect<unknown>(read(4, frame(first, [0x12, 0x34]))).toEqual(plain);
    expect<unknown>(read(5, frame(first, [0x12, 0x34]))).toEqual(plain);
    for (const reason of accepted) {
      const wanted: unknown = { type, packetId: 0x1234, reason };
      expect<unknown>(read(5, frame(first, [0x12, 0x34, reason]))).toEqual(wanted);
      expect<unknown>(read(5, frame(first, [0x12, 0x34, reason, 0]))).toEqual(wanted);
      const why = [0x1f, ...text("why"), 0x26, ...text("a"), ...text("b"), 0x26, 0, 0, 0, 0];
      const long = frame(first, [0x12, 0x34, reason, why.length, ...why]);
      expect<unknown>(read(5, long)).toEqual(wanted);
    }
  });
}

const others: readonly RefusedCase[] = [
  {
    name: "PINGREQ with a body, v4",
    version: 4,
    bytes: frame(0xc0, [0]),
    reason: "malformedPacket",
    statement: "v4-3.12",
  },
  {
    name: "PINGREQ with a body, v5",
    version: 5,
    bytes: frame(0xc0, [0, 0]),
    reason: "malformedPacket",
    statement: "v5-3.12",
  },
  {
    name: "PINGREQ with flags",
    version: 4,
    bytes: [0xc1, 0],
    reason: "malformedPacket",
    statement: "v4-2.2.2-2",
  },
  {
    name: "DISCONNECT with a body, v4",
    version: 4,
    bytes: frame(0xe0, [0]),
    reason: "malformedPacket",
    statement: "v4-2.2.3",
  },
  {
    name: "DISCONNECT with flags, v4",
    version: 4,
    bytes: [0xe1, 0],
    reason: "malformedPacket",
    statement: "v4-3.14.1-1",
  },
  {
    name: "DISCONNECT with flags, v5",
    version: 5,
    bytes: [0xe2, 0],
    reason: "malformedPacket",
    statement: "v5-3.14.1-1",
  },
  {
    name: "DISCONNECT with an unknown reason code",
    version: 5,
    bytes: frame(0xe0, [0x05]),
    reason: "protocolError",
    statement: "v5-3.14.2-1",
  },
  {
    name: "DISCONNECT with a reason code of the server's",
    version: 5,
    bytes: frame(0xe0, [0x8b]),
    reason: "protocolError",
    statement: "v5-3.14.2-1",
  },
  {
    name: "DISCONNECT with bytes behind its properties",
    version: 5,
    bytes: frame(0xe0, [0, 0, 0]),
    reason: "malformedPacket",
    statement: "v5-2.1.4",
  },
  {
    name: "DISCONNECT with a property of the server's",
    version: 5,
    bytes: frame(0xe0, [0, 4, 0x1c, ...text("b")]),
    reason: "malformedPacket",
    statement: "v5-2.2.2.2",
  },
  {
    name: "AUTH in v4",
    version: 4,
    bytes: frame(0xf0, [0x18, 0]),
    reason: "malformedPacket",
    statement: "v4-2.2.1",
  },
  {
    name: "AUTH in 3.1",
    version: 3,
    bytes: frame(0xf0),
    reason: "malformedPacket",
    statement: "v4-2.2.1",
  },
  {
    name: "AUTH that says success",
    version: 5,
    bytes: frame(0xf0),
    reason: "protocolError",
    statement: "v5-3.15.2-1",
  },
  {
    name: "AUTH that says success in full",
    version: 5,
    bytes: frame(0xf0, [0x00, 4, 0x15, ...text("m")]),
    reason: "protocolError",
    statement: "v5-3.15.2-1",
  },
  {
    name: "AUTH without a method",
    version: 5,
    bytes: frame(0xf0, [0x18, 0]),
    reason: "protocolError",
    statement: "v5-3.15.2.2.2",
  },
  {
    name: "AUTH without properties",
    version: 5,
    bytes: frame(0xf0, [0x19]),
    reason: "protocolError",
    statement: "v5-3.15.2.2.2",
  },
  {
    name: "AUTH with flags",
    version: 5,
    bytes: frame(0xf1, [0x18, 4, 0x15, ...text("m")]),
    reason: "malformedPacket",
    statement: "v5-3.15.1-1",
  },
];

describe("refused:", () => testRefused(others, false));

test("DISCONNECT is accepted in every length that it may have", () => {
  const plain = { type: "disconnect", reason: 0, sessionExpiryInterval: null, reasonString: null };
  expect<unknown>(read(4, [0xe0, 0])).toEqual(plain);
  expect<unknown>(read(5, [0xe0, 0])).toEqual(plain);
  expect<unknown>(read(5, frame(0xe0, [4]))).toEqual({ ...plain, reason: 4 });
  expect<unknown>(read(5, frame(0xe0, [4, 0]))).toEqual({ ...plain, reason: 4 });
  const properties = [0x11, 0xff, 0xff, 0xff, 0xff, 0x1f, ...text("bye"), 0x26, 0, 0, 0, 0];
  expect<unknown>(read(5, frame(0xe0, [0x80, properties.length, ...properties]))).toEqual({
    type: "disconnect",
    reason: 0x80,
    sessionExpiryInterval: 0xffff_ffff,
    reasonString: "bye",
  });
});

test("AUTH is accepted with a method", () => {
  const properties = [0x15, ...text("m"), 0x16, 0, 1, 0xff];
  const bytes = frame(0xf0, [0x19, properties.length, ...properties]);
  expect<unknown>(read(5, bytes)).toEqual({ type: "auth", reason: Reason.reauthenticate });
});

test("a second CONNECT is refused before its body has arrived (v4-3.1.0-2)", () => {
  expect(errorOf(read(4, [0x10]))).toMatchObject({
    reason: Reason.protocolError,
    statement: "v4-3.1.0-2",
  });
});
