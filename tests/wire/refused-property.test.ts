import { describe, expect, test } from "bun:test";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import {
  connect,
  errorOf,
  frame,
  properties,
  publish,
  read,
  readFirst,
  text,
  type Bytes,
} from "./frames.ts";

/** Table 2-4 of v5: every property with a valid value, and the client packets that may have it. */
const table: readonly (readonly [identifier: number, value: Bytes, holders: string])[] = [
  [0x01, [1], "publish will"],
  [0x02, [0, 0, 0, 1], "publish will"],
  [0x03, text("text/plain"), "publish will"],
  [0x08, text("answer"), "publish will"],
  [0x09, [0, 1, 0xff], "publish will"],
  [0x0b, [1], "subscribe"],
  [0x11, [0, 0, 0, 1], "connect disconnect"],
  [0x12, text("assigned"), ""],
  [0x13, [0, 1], ""],
  [0x15, text("method"), "connect auth"],
  [0x16, [0, 1, 0xff], "connect auth"],
  [0x17, [1], "connect"],
  [0x18, [0, 0, 0, 1], "will"],
  [0x19, [1], "connect"],
  [0x1a, text("response"), ""],
  [0x1c, text("reference"), ""],
  [0x1f, text("why"), "puback pubrec pubrel pubcomp disconnect auth"],
  [0x21, [0, 1], "connect"],
  [0x22, [0, 0], "connect"],
  [0x23, [0, 1], "publish"],
  [0x24, [1], ""],
  [0x25, [1], ""],
  [
    0x26,
    [...text("a"), ...text("b")],
    "connect will publish puback pubrec pubrel pubcomp subscribe unsubscribe disconnect auth",
  ],
  [0x27, [0, 0, 0, 1], "connect"],
  [0x28, [1], ""],
  [0x29, [1], ""],
  [0x2a, [1], ""],
  [0x00, [1], ""],
  [0x7f, [1], ""],
];

const method = [0x15, ...text("m")];

/** A packet of that kind with these properties, otherwise valid. */
const holders: { readonly [name: string]: (...parts: readonly Bytes[]) => Bytes } = {
  connect: (...parts) => connect(5, { properties: parts }),
  will: (...parts) =>
    connect(5, { flags: 0x06, rest: [properties(5, ...parts), text("status"), text("gone")] }),
  publish: (...parts) => publish(5, { properties: parts }),
  puback: (...parts) => frame(0x40, [0, 1, 0], properties(5, ...parts)),
  pubrec: (...parts) => frame(0x50, [0, 1, 0], properties(5, ...parts)),
  pubrel: (...parts) => frame(0x62, [0, 1, 0], properties(5, ...parts)),
  pubcomp: (...parts) => frame(0x70, [0, 1, 0], properties(5, ...parts)),
  subscribe: (...parts) => frame(0x82, [0, 1], properties(5, ...parts), text("a"), [0]),
  unsubscribe: (...parts) => frame(0xa2, [0, 1], properties(5, ...parts), text("a")),
  disconnect: (...parts) => frame(0xe0, [0], properties(5, ...parts)),
  auth: (...parts) => frame(0xf0, [0x18], properties(5, ...parts)),
};

/** The companions that a property needs to be valid. */
function company(holder: string, identifier: number): Bytes {
  const needsMethod = holder === "auth" || (holder === "connect" && identifier === 0x16);
  return needsMethod && identifier !== 0x15 ? method : [];
}

function readAs(holder: string, bytes: Bytes, version: ProtocolVersion = 5) {
  return holder === "connect" || holder === "will" ? readFirst(bytes) : read(version, bytes);
}

for (const [holder, make] of Object.entries(holders)) {
  describe(`in ${holder}, property`, () => {
    for (const [identifier, value, allowed] of table) {
      const isAllowed = allowed.split(" ").includes(holder);
      const name = `0x${identifier.toString(16).padStart(2, "0")}`;
      const property = [identifier, ...value];
      if (!isAllowed) {
        test(`${name} is refused (v5-2.2.2.2)`, () => {
          const error = errorOf(readAs(holder, make(company(holder, identifier), property)));
          if (holder === "publish" && identifier === 0x0b) {
            expect(error).toMatchObject({
              reason: Reason.protocolError,
              statement: "v5-3.3.4-6",
            });
          } else {
            expect(error).toMatchObject({
              reason: Reason.malformedPacket,
              statement: "v5-2.2.2.2",
            });
          }
        });
        continue;
      }
      test(`${name} is accepted once`, () => {
        const packet = readAs(holder, make(company(holder, identifier), property));
        expect(packet.type).not.toBe("violation");
      });
      test(`${name} ${identifier === 0x26 ? "may" : "may not"} be repeated`, () => {
        const twice = make(company(holder, identifier), property, property);
        const packet = readAs(holder, twice);
        if (identifier === 0x26) expect(packet.type).not.toBe("violation");
        else expect(errorOf(packet).reason).toBe(Reason.protocolError);
      });
      test(`${name} cut short is malformed (v5-2.1.4)`, () => {
        const cut = make(company(holder, identifier), property.slice(0, -1));
        expect(errorOf(readAs(holder, cut))).toMatchObject({
          reason: Reason.malformedPacket,
          statement: "v5-2.1.4",
        });
      });
    }
  });
}

describe("a property's value is refused:", () => {
  const cases: readonly (readonly [string, string, Bytes, string])[] = [
    ["connect", "Receive Maximum 0", [0x21, 0, 0], "v5-3.1.2.11.3"],
    ["connect", "Maximum Packet Size 0", [0x27, 0, 0, 0, 0], "v5-3.1.2.11.4"],
    ["connect", "Request Response Information 2", [0x19, 2], "v5-3.1.2.11.6"],
    ["connect", "Request Problem Information 2", [0x17, 2], "v5-3.1.2.11.7"],
    ["connect", "data without a method", [0x16, 0, 0], "v5-3.1.2.11.10"],
    ["will", "Payload Format Indicator 2", [0x01, 2], "v5-3.1.3.2.3"],
    ["publish", "Payload Format Indicator 2", [0x01, 2], "v5-3.3.2.3.2"],
    ["subscribe", "Subscription Identifier 0", [0x0b, 0], "v5-3.8.2.1.2"],
  ];
  for (const [holder, name, property, statement] of cases) {
    test(`${name} (${statement})`, () => {
      const error = errorOf(readAs(holder, holders[holder]?.(property) ?? []));
      expect(error).toMatchObject({ reason: Reason.protocolError, statement });
    });
  }

  test("an identifier in two bytes (v5-1.5.5-1)", () => {
    const error = errorOf(readAs("publish", publish(5, { properties: [[0x81, 0x00, 1]] })));
    expect(error).toMatchObject({ reason: Reason.malformedPacket, statement: "v5-1.5.5-1" });
  });

  test("a Property Length in more bytes than necessary (v5-1.5.5-1)", () => {
    const bytes = frame(0x30, text("a"), [0x82, 0x00, 0x01, 0x00]);
    expect(errorOf(read(5, bytes)).statement).toBe("v5-1.5.5-1");
    expect(errorOf(read(5, frame(0x30, text("a"), [0x80, 0x00]))).statement).toBe("v5-1.5.5-1");
  });

  test("a Property Length of five bytes (v5-1.5.5)", () => {
    const bytes = frame(0x30, text("a"), [0x80, 0x80, 0x80, 0x80, 0x01]);
    expect(errorOf(read(5, bytes)).statement).toBe("v5-1.5.5");
  });

  test("a Subscription Identifier of five bytes (v5-1.5.5)", () => {
    const bytes = holders["subscribe"]?.([0x0b, 0xff, 0xff, 0xff, 0xff, 0x7f]) ?? [];
    expect(errorOf(read(5, bytes)).statement).toBe("v5-1.5.5");
  });

  test("text that is not UTF-8, in both halves of a User Property (v5-1.5.4-1)", () => {
    for (const pair of [
      [...text([0xc0]), ...text("b")],
      [...text("a"), ...text([0xff])],
    ]) {
      const error = errorOf(read(5, publish(5, { properties: [[0x26, ...pair]] })));
      expect(error).toMatchObject({ reason: Reason.malformedPacket, statement: "v5-1.5.4-1" });
    }
  });
});
