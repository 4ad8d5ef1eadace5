import { describe, expect, test } from "bun:test";
import { heapStats } from "bun:jsc";
import { Reason } from "../../src/core/reason.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { connect, connected, length, publish, text } from "./frames.ts";
import { expectInTime } from "../support/held-up.ts";
import { now } from "../support/inbox.ts";

const tooLarge = {
  type: "violation",
  error: { reason: Reason.packetTooLarge, statement: "v5-3.2.2-15" },
};

describe("the size limit", () => {
  test("refuses by the header alone, before anything else has arrived", () => {
    const reader = connected(5, 1000);
    reader.feed(Uint8Array.from([0x30, ...length(998)]));
    expect(reader.next()).toMatchObject({ ...tooLarge, version: 5 });
    expect(reader.buffered).toBe(0);
  });

  test("refuses by the header when it arrives byte by byte", () => {
    const reader = connected(4, 1000);
    for (const byte of [0x30, 0xff, 0xff, 0xff]) {
      reader.feed(Uint8Array.of(byte));
      expect(reader.next()).toBeNull();
    }
    reader.feed(Uint8Array.of(0x7f));
    expect(reader.next()).toMatchObject({ ...tooLarge, version: 4 });
  });

  test("counts the whole packet, its header too", () => {
    const packet = publish(4, { payload: "x".repeat(992) });
    expect(packet.length).toBe(1000);
    const reader = connected(4, 1000);
    reader.feed(Uint8Array.from(packet));
    expect(reader.next()).toMatchObject({ type: "publish" });
    reader.feed(Uint8Array.from(publish(4, { payload: "x".repeat(993) })));
    expect(reader.next()).toMatchObject(tooLarge);
  });

  test("holds for CONNECT, which is refused once its level determines the answer", () => {
    const bytes = Uint8Array.from(connect(5, { clientId: "c".repeat(100) }));
    const whole = new PacketReader({ packetSize: 50 });
    whole.feed(bytes);
    expect(whole.next()).toMatchObject({ ...tooLarge, version: 5 });
    const level = 9;
    const pieces = new PacketReader({ packetSize: 50 });
    for (let at = 0; at < level - 1; at++) {
      pieces.feed(bytes.slice(at, at + 1));
      expect(pieces.next()).toBeNull();
    }
    pieces.feed(bytes.slice(level - 1, level));
    expect(pieces.next()).toMatchObject({ ...tooLarge, version: 5 });
  });

  test("holds for a CONNECT without a readable level", () => {
    const reader = new PacketReader({ packetSize: 50 });
    reader.feed(Uint8Array.from([0x10, 0xff, 0x7f, ...text("HTTP"), 1, 1]));
    expect(reader.next()).toBeNull();
    reader.feed(Uint8Array.of(1));
    expect(reader.next()).toMatchObject({ ...tooLarge, version: null });
  });

  test("may be Infinity", () => {
    const reader = connected(4, Infinity);
    reader.feed(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f));
    expect(reader.next()).toBeNull();
    expect(reader.buffered).toBe(5);
  });
});

describe("memory", () => {
  test("grows with what arrives, not with the announced length", () => {
    const before = heapStats().extraMemorySize;
    const readers = Array.from({ length: 200 }, () => {
      const reader = connected(4, 64 * 1024 * 1024);
      // Each announces 32 MiB, 6 GiB in all, and sends a few bytes of it.
      reader.feed(Uint8Array.from([0x30, ...length(32 * 1024 * 1024), 0, 3, 0x61]));
      expect(reader.next()).toBeNull();
      reader.feed(new Uint8Array(1000));
      expect(reader.next()).toBeNull();
      return reader;
    });
    expect(readers.every((reader) => reader.buffered === 1008)).toBeTrue();
    expect(heapStats().extraMemorySize - before).toBeLessThan(4 * 1024 * 1024);
  });

  test("of a packet that arrives byte by byte stays near its size", () => {
    const size = 256 * 1024;
    const packet = Uint8Array.from(publish(4, { payload: "x".repeat(size) }));
    const reader = connected(4);
    Bun.gc(true);
    const before = heapStats().heapSize;
    for (let at = 0; at < packet.length - 1; at++) {
      reader.feed(packet.subarray(at, at + 1));
      reader.next();
    }
    Bun.gc(true);
    expect(reader.buffered).toBe(packet.length - 1);
    // One object a byte would be tens of mebibytes.
    expect(heapStats().heapSize - before).toBeLessThan(4 * 1024 * 1024);
    reader.feed(packet.subarray(packet.length - 1));
    expect(reader.next()).toMatchObject({ type: "publish" });
  });

  test("of a large chunk is not kept for the few bytes at its end", () => {
    const reader = connected(4);
    const chunk = new Uint8Array(512 * 1024);
    for (let at = 0; at < chunk.length; at += 2) chunk[at] = 0xc0;
    chunk.set([0x30, 9, 0, 3], chunk.length - 4);
    reader.feed(chunk);
    while (reader.next() !== null);
    expect(reader.buffered).toBe(4);
    // The remainder was copied: later changes to the chunk do not reach it.
    chunk.fill(0xff);
    reader.feed(Uint8Array.of(0x61, 0x2f, 0x62, 1, 2, 3, 4));
    expect(reader.next()).toMatchObject({
      type: "publish",
      topic: "a/b",
      payload: Uint8Array.of(1, 2, 3, 4),
    });
  });
});

test("a large packet in many pieces is not copied again for each of them", () => {
  const size = 16 * 1024 * 1024;
  const packet = new Uint8Array(5 + size);
  packet.set([0x30, ...length(size), 0, 1, 0x61]);
  const reader = connected(4, Infinity);
  const started = now();
  for (let at = 0; at < packet.length; at += 1024) {
    reader.feed(packet.subarray(at, at + 1024));
    if (at + 1024 < packet.length) expect(reader.next()).toBeNull();
  }
  expect(reader.next()).toMatchObject({ type: "publish", topic: "a" });
  // Tens of milliseconds; copying each time would move more than a hundred gigabytes.
  expectInTime("the packet", now() - started, 5000);
});
