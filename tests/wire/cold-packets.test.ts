import { describe, expect, spyOn, test } from "bun:test";
import type { ClientPacket } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import { PacketReader, type WireViolation } from "../../src/wire/reader.ts";
import { connected, connect, frame, properties, text, type Bytes } from "./frames.ts";

const pair: Bytes = [0x26, ...text("k"), ...text("v")];

function pairs(count: number): Bytes {
  return Array.from({ length: count }, () => pair).flat();
}

function read(reader: PacketReader, bytes: Bytes): ClientPacket | WireViolation | null {
  reader.feed(Uint8Array.from(bytes));
  return reader.next();
}

/** The result, and how many strings were decoded for it. */
function decodedIn<Result>(work: () => Result): { result: Result; decoded: number } {
  const decode = spyOn(TextDecoder.prototype, "decode");
  try {
    const result = work();
    return { result, decoded: decode.mock.calls.length };
  } finally {
    decode.mockRestore();
  }
}

describe("User Properties that the broker does not use are checked, not decoded", () => {
  test("in CONNECT", () => {
    const bytes = connect(5, { clientId: "dev", properties: [pairs(5000)] });
    const { result, decoded } = decodedIn(() => read(new PacketReader({ packetSize: 1e6 }), bytes));
    expect(result).toMatchObject({ type: "connect", clientId: "dev" });
    expect(decoded).toBe(1);
  });

  test.each([
    ["SUBSCRIBE", 0x82, [...text("a"), 1], { type: "subscribe" }],
    ["UNSUBSCRIBE", 0xa2, text("a"), { type: "unsubscribe" }],
  ] as const)("in %s", (_, first, rest, wanted) => {
    const bytes = frame(first, [0, 1], properties(5, pairs(1000)), rest);
    const reader = connected(5, 1e6);
    const { result, decoded } = decodedIn(() => read(reader, bytes));
    expect(result).toMatchObject(wanted);
    expect(decoded).toBe(1);
  });

  test.each([
    ["ill-formed UTF-8", [0x26, ...text([0xff]), ...text("v")], "v5-1.5.4-1"],
    ["U+0000", [0x26, ...text("k"), ...text([0])], "v5-1.5.4-2"],
    ["half a pair", [0x26, ...text("k")], "v5-2.1.4"],
    ["a length past the block", [0x26, ...text("k"), 0, 9, 0x61], "v5-2.1.4"],
    ["another identifier", [0x01, 0], "v5-2.2.2.2"],
  ])("%s behind many good ones is still a violation", (_, last, statement) => {
    const bytes = connect(5, { properties: [pairs(3000), last] });
    expect(read(new PacketReader({ packetSize: 1e6 }), bytes)).toMatchObject({
      type: "violation",
      error: { statement },
    });
  });
});

describe("connectSize", () => {
  const reader = (): PacketReader =>
    new PacketReader({ packetSize: 4096, controlPacketSize: 2048, connectSize: 200 });

  test("holds for CONNECT, by its header and level", () => {
    const bytes = connect(5, { clientId: "dev", rest: [[...text("x".repeat(300))]] });
    expect(read(reader(), bytes.slice(0, 12))).toMatchObject({
      type: "violation",
      version: 5,
      error: {
        reason: Reason.packetTooLarge,
        statement: "v5-4.13.2",
        detail: `a CONNECT of ${bytes.length} B, and the maximum is 200 B (limits.connectSize)`,
      },
    });
  });

  test("holds for nothing else", () => {
    const made = reader();
    expect(read(made, connect(4, {}))).toMatchObject({ type: "connect" });
    const subscribe = frame(0x82, [0, 1], text("f".repeat(300)), [0]);
    expect(read(made, subscribe)).toMatchObject({ type: "subscribe" });
  });
});

describe("filters", () => {
  const reader = (version: 4 | 5): PacketReader => {
    const made = new PacketReader({ packetSize: 4096, filters: 3 });
    read(made, connect(version, {}));
    return made;
  };
  const block = (version: 4 | 5): Bytes => (version === 5 ? [0] : []);
  const filters = (count: number): Bytes[] =>
    Array.from({ length: count }, (_, place) => text(`f${place}`));

  test.each([4, 5] as const)("of a SUBSCRIBE of v%d are decoded up to the limit", (version) => {
    const bytes = frame(
      0x82,
      [0, 1],
      block(version),
      ...filters(5).map((filter) => [...filter, 1]),
    );
    const { result, decoded } = decodedIn(() => read(reader(version), bytes));
    expect(result).toMatchObject({
      subscriptions: [{ filter: "f0" }, { filter: "f1" }, { filter: "f2" }],
      undecoded: 2,
    });
    // One of them is the client id of the CONNECT.
    expect(decoded).toBe(4);
  });

  test("of a SUBSCRIBE are checked behind the limit too", () => {
    const bytes = frame(
      0x82,
      [0, 1],
      ...filters(5).map((filter) => [...filter, 1]),
      [0, 1, 0x23, 3],
    );
    expect(read(reader(4), bytes)).toMatchObject({ type: "violation" });
  });

  test.each([4, 5] as const)("of an UNSUBSCRIBE of v%d are a violation above it", (version) => {
    const made = reader(version);
    expect(read(made, frame(0xa2, [0, 1], block(version), ...filters(3)))).toMatchObject({
      type: "unsubscribe",
      filters: ["f0", "f1", "f2"],
    });
    const { result, decoded } = decodedIn(() =>
      read(made, frame(0xa2, [0, 2], block(version), ...filters(4))),
    );
    expect(result).toMatchObject({
      type: "violation",
      error: {
        reason: Reason.quotaExceeded,
        statement: version === 5 ? "v5-4.13.2" : "v4-4.8",
        detail: "an UNSUBSCRIBE of more than 3 filters (limits.filters)",
      },
    });
    expect(decoded).toBe(0);
  });
});
