import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ClientPacket, ProtocolVersion } from "../../src/core/packet.ts";
import { PacketReader, type WireViolation } from "../../src/wire/reader.ts";
import { connect, connected, drain, frame, properties, publish, text } from "./frames.ts";

function conversation(version: ProtocolVersion): Uint8Array {
  return Uint8Array.from(
    [
      connect(version, {
        flags: 0x2e,
        rest: [properties(version, [0x18, 0, 0, 0, 9]), text("status"), text("gone")],
      }),
      publish(version, { first: 0x31, payload: "hello" }),
      publish(version, { first: 0x3a, packetId: 7, topic: "a/b", payload: "x".repeat(300) }),
      [0x40, 2, 0, 1],
      [0xc0, 0],
      frame(0x82, [0, 2], properties(version), text("a/#"), [1]),
      publish(version, { topic: "long/" + "t".repeat(200), payload: "y".repeat(20_000) }),
      [0x62, 2, 0, 7],
      frame(0xa2, [0, 3], properties(version), text("a/#")),
      [0xe0, 0],
    ].flat(),
  );
}

/** Frames refer to the bytes' place, the one thing that depends on the chunks. */
function withoutFrames(packets: readonly (ClientPacket | WireViolation)[]): unknown[] {
  return packets.map((packet) =>
    packet.type === "publish" ? { ...packet, payload: [...packet.payload], frame: null } : packet,
  );
}

function readInChunks(bytes: Uint8Array, cuts: readonly number[]): unknown[] {
  const reader = new PacketReader({ packetSize: 100_000 });
  const packets: (ClientPacket | WireViolation)[] = [];
  let from = 0;
  for (const to of [...cuts, bytes.length]) {
    reader.feed(bytes.slice(from, to));
    packets.push(...drain(reader));
    from = to;
  }
  expect(reader.buffered).toBe(0);
  return withoutFrames(packets);
}

describe("the same packets are read however the bytes are cut:", () => {
  for (const version of [3, 4, 5] as const) {
    const bytes = conversation(version);
    const whole = readInChunks(bytes, []);

    test(`whole, v${version}`, () => {
      const types = whole.map((packet) => Object(packet).type);
      expect(types).toEqual([
        ...["connect", "publish", "publish", "puback", "pingreq", "subscribe", "publish"],
        ...["pubrel", "unsubscribe", "disconnect"],
      ]);
    });

    test(`byte by byte, v${version}`, () => {
      const cuts = Array.from({ length: bytes.length - 1 }, (_, index) => index + 1);
      expect(readInChunks(bytes, cuts)).toEqual(whole);
    });

    test(`anywhere, v${version}`, () => {
      const cut = fc.oneof(
        fc.integer({ min: 0, max: bytes.length }),
        fc.integer({ min: 0, max: 420 }),
      );
      fc.assert(
        fc.property(fc.array(cut, { maxLength: 30 }), (cuts) => {
          const sorted = cuts.toSorted((a, b) => a - b);
          expect(readInChunks(bytes, sorted)).toEqual(whole);
        }),
        { numRuns: 150 },
      );
    });
  }
});

test("chunks may be fed before the packets of earlier ones are taken", () => {
  const bytes = conversation(5);
  const reader = new PacketReader({ packetSize: 100_000 });
  for (let at = 0; at < bytes.length; at += 37) reader.feed(bytes.slice(at, at + 37));
  expect(reader.buffered).toBe(bytes.length);
  expect(withoutFrames(drain(reader))).toEqual(readInChunks(bytes, []));

  // A finished chunk, a waiting one, and a third that must not overtake it.
  reader.feed(Uint8Array.of(0xc0, 0));
  reader.feed(Uint8Array.of(0x40, 2, 0, 1));
  expect(reader.next()).toEqual({ type: "pingreq" });
  reader.feed(Uint8Array.of(0x40, 2, 0, 2));
  expect(drain(reader)).toMatchObject([{ packetId: 1 }, { packetId: 2 }]);
});

test("empty chunks change nothing", () => {
  const reader = connected(4);
  const empty = new Uint8Array(0);
  for (const chunk of [empty, Uint8Array.of(0xc0), empty, Uint8Array.of(0), empty]) {
    reader.feed(chunk);
    if (chunk !== empty && chunk[0] === 0) expect(reader.next()).toEqual({ type: "pingreq" });
    expect(reader.next()).toBeNull();
  }
});

describe("a PUBLISH", () => {
  test("that is whole in its chunk is read in place", () => {
    const reader = connected(4);
    const bytes = publish(4, { payload: "hello" });
    const chunk = Uint8Array.from([0xc0, 0, ...bytes, 0xc0, 0]);
    reader.feed(chunk);
    const packet = drain(reader)[1];
    if (packet?.type !== "publish") throw new Error("no PUBLISH");
    expect(packet.frame).toEqual({ bytes: chunk, start: 2, end: 2 + bytes.length, version: 4 });
    expect(packet.frame?.bytes).toBe(chunk);
    expect(packet.payload.buffer).toBe(chunk.buffer);
  });

  test("that arrived in pieces has its own memory, and its frame is whole", () => {
    const reader = connected(5);
    const bytes = Uint8Array.from(publish(5, { payload: "hello" }));
    const chunk = bytes.slice(0, 4);
    reader.feed(chunk);
    expect(reader.next()).toBeNull();
    expect(reader.buffered).toBe(4);
    chunk.fill(0);
    reader.feed(bytes.slice(4));
    const packet = reader.next();
    if (packet?.type !== "publish" || packet.frame === null) throw new Error("no PUBLISH");
    const { start, end } = packet.frame;
    expect(packet.frame.bytes.slice(start, end)).toEqual(bytes);
    expect(packet.payload.buffer).toBe(packet.frame.bytes.buffer);
    // The next one must not overwrite it.
    reader.feed(Uint8Array.from(publish(5, { payload: "world" })).slice(0, 8));
    expect(reader.next()).toBeNull();
    expect(packet.frame.bytes.slice(start, end)).toEqual(bytes);
  });

  test("whose length has more bytes than necessary is not forwarded unchanged", () => {
    const reader = connected(4);
    reader.feed(Uint8Array.from([0x30, 0x85, 0x00, ...publish(4).slice(2)]));
    expect(reader.next()).toMatchObject({ type: "publish", topic: "a/b", frame: null });
  });

  test("from a Buffer has a payload whose slice is a copy", () => {
    const reader = connected(4);
    const chunk = Buffer.from(publish(4, { payload: "hello" }));
    reader.feed(chunk);
    const packet = reader.next();
    if (packet?.type !== "publish") throw new Error("no PUBLISH");
    const kept = packet.payload.slice();
    chunk.fill(0);
    expect(new TextDecoder().decode(kept)).toBe("hello");
  });
});
