import { assert } from "../../core/assert.ts";
import { isReferable, type PublishRun } from "../../core/packet.ts";
import type { Link } from "../../transport/transport.ts";
import { BufferPool, largeBuffer, smallBuffer } from "./buffer-pool.ts";

/** Foreign bytes too large to copy, or a full buffer of the outbox. */
interface Segment {
  readonly bytes: Uint8Array;
  start: number;
  readonly end: number;
  readonly isBuffer: boolean;
}

/** Up to this size, a loop copies faster than a call into the platform; bytes. */
const loopBytes = 64;

/** The largest packet whose packet id is set in its chunk: larger ones refer to their payload. */
export const patchedPacketBytes = largeBuffer;
/**
 * The largest run of such packets: as much as one read brings. What its link does not take at once is
 * copied into one buffer.
 */
const patchedRunBytes = 8 * largeBuffer;

/**
 * Waiting output of one link: first full buffers and large payloads, which all links that write them
 * share; then a buffer of its own; then a run of bytes inside an input chunk, messages forwarded as
 * they arrived, kept as integers.
 */
export class Outbox {
  readonly #pool: BufferPool;
  #ahead: Segment[] = [];
  #aheadBytes = 0;
  /** The last `flush` stopped although the link would have taken more. */
  hasPaused = false;
  #run: Uint8Array | null = null;
  #runStart = 0;
  #runEnd = 0;
  /**
   * Where the packet ids of the run's messages stand in its chunk, from #runPlace on; null: they
   * have none. The ids count up from #runId.
   */
  #runIdsAt: readonly number[] | null = null;
  #runPlace = 0;
  #runCount = 0;
  #runId = 0;
  #buffer: Uint8Array | null = null;
  #start = 0;
  #end = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Waiting bytes. */
  get size(): number {
    const run = this.#run === null ? 0 : this.#runEnd - this.#runStart;
    return this.#aheadBytes + this.#end - this.#start + run;
  }

  /** Waiting bytes in buffers of its own. */
  get buffered(): number {
    const newest = this.#end - this.#start;
    // It is asked for each message.
    return this.#ahead.length === 0 ? newest : newest + this.#bufferedAhead;
  }

  get #bufferedAhead(): number {
    let bytes = 0;
    for (const { start, end, isBuffer } of this.#ahead) if (isBuffer) bytes += end - start;
    return bytes;
  }

  /**
   * Memory that waiting bytes keep, also of references that other links share: until its last byte is
   * written, a chunk or buffer stays whole.
   */
  get held(): number {
    let bytes = this.#buffer?.length ?? 0;
    for (const segment of this.#ahead) bytes += segment.bytes.length;
    return bytes;
  }

  /** Appends bytes[start..end), which must not change until `flush`. */
  forward(bytes: Uint8Array, start: number, end: number): void {
    if (this.#run === bytes && this.#runEnd === start && this.#runIdsAt === null) {
      this.#runEnd = end;
      return;
    }
    if (this.#run !== null) this.#settleRun();
    this.#beginRun(bytes, start, end);
  }

  /**
   * Appends the packet bytes[start..end), at most `patchedPacketBytes`, with another packet id. Its own
   * stands at idsAt[place]. Neither may change until `flush`.
   */
  forwardWithId(
    bytes: Uint8Array,
    start: number,
    end: number,
    idsAt: readonly number[],
    place: number,
    packetId: number,
  ): void {
    if (
      this.#run === bytes &&
      this.#runEnd === start &&
      this.#runIdsAt === idsAt &&
      this.#runPlace + this.#runCount === place &&
      this.#runId + this.#runCount === packetId &&
      end - this.#runStart <= patchedRunBytes
    ) {
      this.#runEnd = end;
      this.#runCount += 1;
      return;
    }
    if (this.#run !== null) this.#settleRun();
    this.#beginRun(bytes, start, end);
    this.#runIdsAt = idsAt;
    this.#runPlace = place;
    this.#runCount = 1;
    this.#runId = packetId;
  }

  /** Appends packets of a run, as many as there are ids for them, as `forwardWithId` does one. */
  forwardRun({ bytes, bounds, idsAt, place }: PublishRun, packetIds: readonly number[]): void {
    for (let at = 0; at < packetIds.length; at++) {
      this.forwardWithId(bytes, bounds[at]!, bounds[at + 1]!, idsAt, place + at, packetIds[at]!);
    }
  }

  #beginRun(bytes: Uint8Array, start: number, end: number): void {
    this.#run = bytes;
    this.#runStart = start;
    this.#runEnd = end;
    this.#runIdsAt = null;
  }

  /** Appends a reference to bytes[start..end), which must never change. For large payloads. */
  refer(bytes: Uint8Array, start: number, end: number): void {
    if (this.#run !== null) this.#settleRun();
    this.#pushBuffer();
    this.#push(bytes, start, end, false);
  }

  /** Appends a copy of bytes[start..end) and returns its offset in `buffer`. */
  append(bytes: Uint8Array, start: number, end: number): number {
    const offset = this.reserve(end - start);
    copy(bytes, start, end, this.buffer, offset);
    this.#end = offset + end - start;
    return offset;
  }

  /** As `append`, for the whole of `bytes`, which saves making a view of a part. */
  appendAll(bytes: Uint8Array): number {
    const offset = this.reserve(bytes.length);
    this.buffer.set(bytes, offset);
    this.#end = offset + bytes.length;
    return offset;
  }

  /** Makes room for `bytes` more: write them at the returned offset of `buffer`, then `commit`. */
  reserve(bytes: number): number {
    if (this.#run !== null) this.#settleRun();
    const buffer = this.#buffer;
    if (buffer === null || this.#end + bytes > buffer.length) this.#makeRoom(bytes);
    return this.#end;
  }

  get buffer(): Uint8Array {
    assert(this.#buffer !== null, "reserve room first");
    return this.#buffer;
  }

  commit(end: number): void {
    this.#end = end;
  }

  /**
   * Writes waiting bytes to the link, and begins no further write once it took so many. Returns how
   * many it took; -1: the link has ended. Copies the rest out of input chunks.
   */
  flush(link: Link, enough = Infinity): number {
    this.hasPaused = false;
    // The buffer comes first.
    if (this.#run !== null && this.#end > this.#start) this.#settleRun();
    if (this.#ahead.length === 0) return this.#flushNewest(link);
    const ahead = this.#flushAhead(link, enough);
    if (ahead < 0) return ahead;
    if (this.#ahead.length > 0) {
      if (this.#run !== null) this.#settleRun();
      return ahead;
    }
    const newest = this.#flushNewest(link);
    return newest < 0 ? newest : ahead + newest;
  }

  #flushAhead(link: Link, enough: number): number {
    let total = 0;
    for (;;) {
      const first = this.#ahead[0];
      if (first === undefined) return total;
      if (total >= enough) {
        this.hasPaused = true;
        return total;
      }
      const written = link.write(first.bytes, first.start, first.end);
      if (written < 0) return written;
      total += written;
      first.start += written;
      this.#aheadBytes -= written;
      if (first.start < first.end) return total;
      this.#ahead.shift();
      if (first.isBuffer) this.#pool.give(first.bytes);
    }
  }

  #flushNewest(link: Link): number {
    const run = this.#run;
    if (run !== null) {
      const isPatched = this.#runIdsAt !== null;
      // In the chunk itself: its own ids were read, and other links set theirs when they write it.
      if (isPatched) this.#setIds(run, 0);
      const written = link.write(run, this.#runStart, this.#runEnd);
      if (written < 0) return written;
      this.#runStart += written;
      if (this.#runStart === this.#runEnd) this.#run = null;
      else this.#settleRun(!isPatched);
      return written;
    }
    const buffer = this.#buffer;
    if (buffer === null || this.#start === this.#end) return 0;
    const written = link.write(buffer, this.#start, this.#end);
    if (written < 0) return written;
    this.#start += written;
    if (this.#start === this.#end) this.#giveBuffer();
    return written;
  }

  /** Copies the bytes out of the input chunk, which may change after this. */
  settle(): void {
    if (this.#run !== null) this.#settleRun();
  }

  /** Appends all that another outbox holds, which then holds nothing. */
  takeOver(other: Outbox): void {
    this.settle();
    this.#pushBuffer();
    other.settle();
    other.#pushBuffer();
    for (const segment of other.#ahead) this.#ahead.push(segment);
    this.#aheadBytes += other.#aheadBytes;
    other.#ahead = [];
    other.#aheadBytes = 0;
  }

  clear(): void {
    for (const { bytes, isBuffer } of this.#ahead) if (isBuffer) this.#pool.give(bytes);
    this.#ahead = [];
    this.#aheadBytes = 0;
    this.#run = null;
    this.#runIdsAt = null;
    this.#giveBuffer();
  }

  #giveBuffer(): void {
    if (this.#buffer !== null) this.#pool.give(this.#buffer);
    this.#buffer = null;
    this.#start = 0;
    this.#end = 0;
  }

  /**
   * Copies the run out of its input chunk, since other bytes follow it or the link is full, and sets
   * its packet ids. A run that makes up most of its chunk stays there, as a reference, unless others
   * may change it.
   */
  #settleRun(mayRefer = true): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    const length = this.#runEnd - this.#runStart;
    if (mayRefer && this.#runIdsAt === null && isReferable(run, length)) {
      this.#pushBuffer();
      this.#push(run, this.#runStart, this.#runEnd, false);
      return;
    }
    this.reserve(length);
    copy(run, this.#runStart, this.#runEnd, this.buffer, this.#end);
    if (this.#runIdsAt !== null) this.#setIds(this.buffer, this.#end - this.#runStart);
    this.#end += length;
  }

  /** Sets the packet ids of the run, whose bytes stand in a buffer `by` further on. */
  #setIds(buffer: Uint8Array, by: number): void {
    const idsAt = this.#runIdsAt;
    this.#runIdsAt = null;
    if (idsAt === null) return;
    for (let number = 0; number < this.#runCount; number++) {
      const at = idsAt[this.#runPlace + number]! + by;
      const id = this.#runId + number;
      buffer[at] = id >>> 8;
      buffer[at + 1] = id & 0xff;
    }
  }

  #push(bytes: Uint8Array, start: number, end: number, isBuffer: boolean): void {
    this.#ahead.push({ bytes, start, end, isBuffer });
    this.#aheadBytes += end - start;
  }

  /** Moves the buffer behind those that wait ahead. */
  #pushBuffer(): void {
    if (this.#buffer !== null && this.#end > this.#start) {
      this.#push(this.#buffer, this.#start, this.#end, true);
      this.#buffer = null;
    }
    this.#giveBuffer();
  }

  /** Takes a buffer with room for `more` bytes: a small one first, then one large one after another. */
  #makeRoom(more: number): void {
    const old = this.#buffer;
    const held = this.#end - this.#start;
    if (old === null || old.length > smallBuffer || held + more > largeBuffer) {
      this.#pushBuffer();
      this.#buffer = this.#pool.take(old === null ? more : Math.max(more, largeBuffer));
      return;
    }
    const buffer = this.#pool.take(held + more);
    copy(old, this.#start, this.#end, buffer, 0);
    this.#giveBuffer();
    this.#buffer = buffer;
    this.#end = held;
  }
}

/** Most outboxes that are kept for reuse. */
const outboxesKept = 256;

/** Outboxes of links without waiting output, which nearly all links are. One for each driver. */
export class OutboxPool {
  readonly #buffers = new BufferPool();
  readonly #free: Outbox[] = [];

  take(): Outbox {
    return this.#free.pop() ?? new Outbox(this.#buffers);
  }

  /** `outbox`: holds nothing. */
  give(outbox: Outbox): void {
    if (this.#free.length < outboxesKept) this.#free.push(outbox);
  }
}

function copy(from: Uint8Array, start: number, end: number, to: Uint8Array, offset: number): void {
  const length = end - start;
  if (length > loopBytes) to.set(from.subarray(start, end), offset);
  else for (let at = 0; at < length; at++) to[offset + at] = from[start + at]!;
}
