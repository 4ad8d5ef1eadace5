import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Delivery } from "../../../src/core/io.ts";
import { BufferPool } from "../../../src/server/driver/buffer-pool.ts";
import { DeliveryWriter } from "../../../src/server/driver/copies.ts";
import { Outbox } from "../../../src/server/driver/outbox.ts";
import type { Link } from "../../../src/transport/transport.ts";
import { message } from "../../core/messages.ts";

/** A link that accepts as much as the test allows. */
class Narrow implements Link {
  readonly isLocal = true;
  readonly descriptor = null;
  readonly remote = "";
  owner: unknown = null;
  room = Infinity;
  ended = false;
  writes = 0;
  readonly taken: number[] = [];

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.ended) return -1;
    this.writes += 1;
    const taken = Math.min(this.room, end - start);
    this.room -= taken;
    for (const byte of bytes.subarray(start, start + taken)) this.taken.push(byte);
    return taken;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  reset(): void {}
  watch(): void {}
}

type Step =
  | {
      readonly do: "forward" | "forwardWithId" | "append" | "commit";
      readonly length: number;
      /** Bytes are left out before it, and its packet id is not the next one. */
      readonly gap: boolean;
    }
  | { readonly do: "flush"; readonly room: number };

const length = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.constantFrom(64, 65, 8000, 16_000, 40_000),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("forward", "forwardWithId", "append", "commit"),
      length,
      gap: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("flush"),
      room: fc.constantFrom(0, 1, 50, 20_000, Infinity),
    }),
  },
);

test("the link gets all bytes, in order, however they were added and however little it accepts", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const outbox = new Outbox(new BufferPool());
      const link = new Narrow();
      const expected: number[] = [];
      let chunk = inputChunk(0);
      let idsAt: number[] = [];
      let packetId = 65_000;
      let at = 0;
      for (const [index, action] of steps.entries()) {
        if (action.do === "flush") {
          link.room = action.room;
          const before = outbox.size;
          const took = outbox.flush(link);
          expect(took).toBe(Math.min(before, action.room));
          expect(outbox.size).toBe(before - took);
          // The chunk's bytes were valid in this turn only.
          chunk.fill(0xee);
          chunk = inputChunk(index);
          idsAt = [];
          at = 0;
          continue;
        }
        if (action.gap) at += 3;
        const end = at + action.length;
        if (end > chunk.length) continue;
        const bytes = chunk.subarray(at, end);
        packetId = (packetId + (action.gap ? 300 : 1)) & 0xffff;
        if (action.do === "forwardWithId" && action.length >= 2) {
          idsAt.push(at + ((action.length - 2) >> 1));
          const copy = bytes.slice();
          copy.set([packetId >> 8, packetId & 0xff], (action.length - 2) >> 1);
          expected.push(...copy);
          outbox.forwardWithId(chunk, at, end, idsAt, idsAt.length - 1, packetId);
          at = end;
          continue;
        }
        expected.push(...bytes);
        if (action.do === "forward") outbox.forward(chunk, at, end);
        else if (action.do === "append") {
          const offset = outbox.append(chunk, at, end);
          expect(outbox.buffer[offset]).toBe(bytes[0]);
        } else {
          const offset = outbox.reserve(action.length + 5);
          outbox.buffer.set(bytes, offset);
          outbox.commit(offset + action.length);
        }
        at = end;
        expect(outbox.size).toBe(expected.length - link.taken.length);
      }
      link.room = Infinity;
      outbox.flush(link);
      expect(outbox.size).toBe(0);
      expect(Buffer.from(link.taken).equals(Buffer.from(expected))).toBe(true);
    }),
    { numRuns: 150 },
  );
});

function inputChunk(seed: number): Uint8Array {
  return Uint8Array.from({ length: 64 * 1024 }, (_, index) => (index * 7 + seed) % 251);
}

test("a write that is enough is the last one for the moment", () => {
  const outbox = new Outbox(new BufferPool());
  const large = new Uint8Array(50_000);
  for (let count = 0; count < 5; count++) outbox.refer(large, 0, large.length);
  const link = new Narrow();
  const flush = (): unknown[] => [outbox.flush(link, 70_000), outbox.hasPaused];
  expect([flush(), flush(), flush(), flush()]).toEqual([
    [100_000, true],
    [100_000, true],
    [50_000, false],
    [0, false],
  ]);
  // A link that takes no more does not pause: it says when it takes more.
  for (let count = 0; count < 5; count++) outbox.refer(large, 0, large.length);
  link.room = 60_000;
  expect(flush()).toEqual([60_000, false]);
});

test("neighbours in one chunk are forwarded with one write, and not copied", () => {
  const outbox = new Outbox(new BufferPool());
  const chunk = Uint8Array.from([1, 2, 3, 4, 5, 6]);
  const written: Uint8Array[] = [];
  const link = new Narrow();
  link.write = (bytes, start, end) => {
    written.push(bytes);
    return end - start;
  };
  outbox.forward(chunk, 1, 3);
  outbox.forward(chunk, 3, 5);
  expect([outbox.size, outbox.buffered]).toEqual([4, 0]);
  expect(outbox.flush(link)).toBe(4);
  expect(written).toEqual([chunk]);
  expect(written[0]).toBe(chunk);
});

test("packets with consecutive ids are written at once, in their chunk", () => {
  const outbox = new Outbox(new BufferPool());
  const chunk = new Uint8Array(400_000);
  const idsAt = forwardAll(outbox, chunk);
  expect(outbox.size).toBe(400_000);
  const link = new Narrow();
  outbox.flush(link);
  expect([link.writes, outbox.held]).toEqual([1, 0]);
  expect(idsIn(link.taken, idsAt)).toEqual(idsAt.map((_, index) => index + 1));
});

test("more of them than a read brings are copied, a run at a time", () => {
  const outbox = new Outbox(new BufferPool());
  const chunk = new Uint8Array(1_000_000);
  const idsAt = forwardAll(outbox, chunk);
  const link = new Narrow();
  outbox.flush(link);
  expect(link.writes).toBe(2);
  expect(idsIn(link.taken, idsAt)).toEqual(idsAt.map((_, index) => index + 1));
  expect(chunk.every((byte) => byte === 0)).toBe(true);
});

/** Forwards a chunk as packets of 1000 B with ids from 1 on. Returns where these stand. */
function forwardAll(outbox: Outbox, chunk: Uint8Array): number[] {
  const idsAt: number[] = [];
  for (let start = 0; start < chunk.length; start += 1000) {
    idsAt.push(start + 10);
    outbox.forwardWithId(chunk, start, start + 1000, idsAt, idsAt.length - 1, idsAt.length);
  }
  return idsAt;
}

function idsIn(taken: readonly number[], idsAt: readonly number[]): number[] {
  return idsAt.map((at) => Buffer.from(taken.slice(at, at + 2)).readUInt16BE());
}

test("links that write one chunk get their own packet ids", () => {
  const pool = new BufferPool();
  // Most of its buffer: without ids it would stay there.
  const half = 32 * 1024;
  const chunk = new Uint8Array(2 * half);
  const idsAt = [10, half + 10];
  const forwarded = (firstId: number): Outbox => {
    const outbox = new Outbox(pool);
    outbox.forwardWithId(chunk, 0, half, idsAt, 0, firstId);
    outbox.forwardWithId(chunk, half, 2 * half, idsAt, 1, firstId + 1);
    return outbox;
  };
  const narrow = new Narrow();
  narrow.room = 0;
  const [slow, fast] = [forwarded(7), forwarded(300)];
  expect(slow.flush(narrow)).toBe(0);
  const wide = new Narrow();
  fast.flush(wide);
  narrow.room = half;
  slow.flush(narrow);
  narrow.room = Infinity;
  slow.flush(narrow);
  const ids = [narrow, wide].map(({ taken }) => idsIn(taken, idsAt));
  expect(ids).toEqual([
    [7, 8],
    [300, 301],
  ]);
  expect(wide.writes).toBe(1);
});

test("waiting output takes no more memory than its bytes and one buffer", () => {
  let taken = 0;
  const pool = new (class extends BufferPool {
    override take(bytes: number): Uint8Array {
      const buffer = super.take(bytes);
      taken += buffer.length;
      return buffer;
    }
    override give({ length }: Uint8Array): void {
      taken -= length;
    }
  })();
  const outbox = new Outbox(pool);
  const link = new Narrow();
  link.room = 0;
  const packet = new Uint8Array(1000);
  while (outbox.size < 1024 * 1024) {
    outbox.append(packet, 0, packet.length);
    outbox.flush(link);
    expect(taken).toBeLessThanOrEqual(Math.max(16 * 1024, outbox.size * 1.02 + 64 * 1024));
  }
  link.room = Infinity;
  outbox.flush(link);
  expect(taken).toBe(0);
});

test("large payloads are written in place, in order with small ones", () => {
  const outbox = new Outbox(new BufferPool());
  const link = new Narrow();
  link.room = 0;
  const large = Uint8Array.from({ length: 100_000 }, (_, index) => index % 251);
  const small = Uint8Array.of(1, 2, 3);
  const expected: number[] = [];
  const put = (bytes: Uint8Array, how: "append" | "refer" | "forward"): void => {
    outbox[how](bytes, 0, bytes.length);
    expected.push(...bytes);
    expect(outbox.size).toBe(expected.length);
  };
  put(small, "append");
  put(large, "refer");
  put(large, "refer");
  put(small, "append");
  put(small, "forward");
  put(large, "forward");
  put(small, "append");
  expect(outbox.flush(link)).toBe(0);
  // Only small payloads were copied.
  expect(outbox.buffered).toBe(4 * small.length);
  for (let left = expected.length; left > 0; left = outbox.size) {
    link.room = 70_001;
    expect(outbox.flush(link)).toBe(Math.min(70_001, left));
  }
  expect(Buffer.from(link.taken).equals(Buffer.from(expected))).toBe(true);
  // A run that a link accepts in part stays in place.
  outbox.forward(large, 0, large.length);
  link.room = 10;
  expect(outbox.flush(link)).toBe(10);
  expect([outbox.size, outbox.buffered]).toEqual([99_990, 0]);
  outbox.clear();
  expect(outbox.size).toBe(0);
});

test("a chunk counts as memory with its whole length until its last byte is written", () => {
  const outbox = new Outbox(new BufferPool());
  const link = new Narrow();
  outbox.forward(new Uint8Array(200_000), 0, 200_000);
  for (const room of [90_000, 109_999]) {
    link.room = room;
    outbox.flush(link);
    expect(outbox.held).toBe(200_000);
  }
  link.room = 1;
  outbox.flush(link);
  expect([outbox.size, outbox.held]).toEqual([0, 0]);
});

test("one flush is one write", () => {
  const outbox = new Outbox(new BufferPool());
  const link = new Narrow();
  const chunk = new Uint8Array(1000);
  outbox.forward(chunk, 0, 500);
  outbox.append(chunk, 0, 100);
  outbox.forward(chunk, 500, 1000);
  expect(outbox.flush(link)).toBe(1100);
  expect(link.writes).toBe(1);
  expect(outbox.flush(link)).toBe(0);
  expect(link.writes).toBe(1);
});

test("an ended link is reported by -1", () => {
  const outbox = new Outbox(new BufferPool());
  const link = new Narrow();
  link.ended = true;
  outbox.forward(new Uint8Array(5), 0, 5);
  expect(outbox.flush(link)).toBe(-1);
  outbox.clear();
  outbox.append(new Uint8Array(5), 0, 5);
  expect(outbox.flush(link)).toBe(-1);
  outbox.clear();
  expect(outbox.size).toBe(0);
});

test("a buffer goes back to the pool when everything is written, and serves the next outbox", () => {
  const pool = new BufferPool();
  const first = new Outbox(pool);
  first.append(new Uint8Array(10), 0, 10);
  const { buffer } = first;
  first.flush(new Narrow());
  expect(() => first.buffer).toThrow();
  const second = new Outbox(pool);
  second.append(new Uint8Array(10), 0, 10);
  expect(second.buffer).toBe(buffer);
  const third = new Outbox(pool);
  third.append(new Uint8Array(10), 0, 10);
  expect(third.buffer).not.toBe(buffer);
});

const plainDelivery: Delivery = {
  connection: 1,
  version: 4,
  qos: 0,
  retain: false,
  dup: false,
  strip: 0,
  subscriptionIdentifiers: null,
  alias: 0,
  aliasKnown: false,
  plain: true,
};

test.each([
  ["as it arrived", [0x30, 0x83, 0x80, 0x04, 0x00, 0x01, 0x74]],
  ["with another QoS", [0x32, 0x85, 0x80, 0x04, 0x00, 0x01, 0x74, 0x00, 0x2a]],
] as const)(
  "full links share a large message that takes up little of its input chunk: %s",
  (_, head) => {
    const payload = new Uint8Array(64 * 1024).fill(7);
    const chunk = new Uint8Array(512 * 1024);
    chunk.set(head, 1000);
    const payloadAt = 1000 + head.length;
    chunk.set(payload, payloadAt);
    const end = payloadAt + payload.length;
    const frame = { bytes: chunk, start: 1000, end, version: 4 } as const;
    const ofChunk = chunk.subarray(payloadAt, end);
    const writer = new DeliveryWriter();
    const readers = Array.from({ length: 8 }, () => ({
      link: new Narrow(),
      outbox: new Outbox(new BufferPool()),
    }));
    writer.begin(message("t", { payload: ofChunk, owned: false }), null, frame, readers.length);
    const sent = [0x30, 0x83, 0x80, 0x04, 0x00, 0x01, 0x74];
    for (const { link, outbox } of readers) {
      link.room = 0;
      writer.write(outbox, plainDelivery, 0);
      outbox.flush(link);
      expect(outbox.size).toBe(sent.length + payload.length);
      expect(outbox.buffered).toBeLessThanOrEqual(sent.length);
    }
    chunk.fill(0);
    for (const { link, outbox } of readers) {
      link.room = Infinity;
      outbox.flush(link);
      expect(Buffer.from(link.taken).equals(Buffer.concat([Buffer.from(sent), payload]))).toBe(
        true,
      );
    }
  },
);
