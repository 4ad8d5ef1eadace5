import { assert } from "../../core/assert.ts";
import type { Link } from "../../transport/transport.ts";

const smallestBuffer = 16 * 1024;
/** Maximum number of buffers kept for reuse, all of the smallest size. */
const pooledBuffers = 256;

/** Unused output buffers. One pool for each driver. */
export class BufferPool {
  readonly #free: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(smallestBuffer);
  }

  give(buffer: Uint8Array): void {
    if (buffer.length === smallestBuffer && this.#free.length < pooledBuffers) {
      this.#free.push(buffer);
    }
  }
}

/** Foreign bytes too large to copy, or a full buffer of the outbox. */
interface Segment {
  readonly bytes: Uint8Array;
  start: number;
  readonly end: number;
  readonly isBuffer: boolean;
}

/** From this size on, a reference costs less than a copy; bytes. */
const referredBytes = 64 * 1024;

/** Whether to refer to bytes of a buffer: a reference keeps the whole buffer in memory. */
export function isReferable(of: Uint8Array, bytes: number): boolean {
  // Size first: most are small, and reading `buffer` is not cheap.
  return bytes >= referredBytes && bytes * 2 >= of.buffer.byteLength;
}

/**
 * Waiting output of one link: either a run of bytes inside an input chunk (messages forwarded
 * unchanged), kept as two integers, or its own buffer. Ahead of them wait large payloads, shared by
 * all links that write them, and the bytes before those.
 */
export class Outbox {
  readonly #pool: BufferPool;
  #ahead: Segment[] = [];
  #aheadBytes = 0;
  #run: Uint8Array | null = null;
  #runStart = 0;
  #runEnd = 0;
  #buffer: Uint8Array | null = null;
  #start = 0;
  #end = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Waiting bytes. */
  get size(): number {
    return this.#aheadBytes + (this.#run === null ? this.buffered : this.#runEnd - this.#runStart);
  }

  /** Memory of the waiting bytes, also of references that other links share. */
  get held(): number {
    let bytes = this.#buffer?.length ?? 0;
    for (const segment of this.#ahead)
      bytes += segment.isBuffer ? segment.bytes.length : segment.end - segment.start;
    return bytes;
  }

  /** Appends bytes[start..end), which must not change until `flush`. */
  forward(bytes: Uint8Array, start: number, end: number): void {
    if (this.#run === null && this.#end === this.#start) {
      this.#run = bytes;
      this.#runStart = start;
      this.#runEnd = end;
      return;
    }
    if (this.#run === bytes && this.#runEnd === start) {
      this.#runEnd = end;
      return;
    }
    if (isReferable(bytes, end - start)) this.refer(bytes, start, end);
    else this.append(bytes, start, end);
  }

  /** Appends a reference to bytes[start..end), which must never change. For large payloads. */
  refer(bytes: Uint8Array, start: number, end: number): void {
    if (this.#run !== null) this.#settleRun(0);
    const buffer = this.#buffer;
    if (buffer !== null && this.#end > this.#start) {
      this.#push(buffer, this.#start, this.#end, true);
      this.#buffer = null;
      this.#start = 0;
      this.#end = 0;
    }
    this.#push(bytes, start, end, false);
  }

  /** Waiting bytes in the outbox's own buffer. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Appends a copy of bytes[start..end) and returns its offset in `buffer`. */
  append(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const offset = this.reserve(length);
    const buffer = this.#buffer;
    assert(buffer !== null, "reserved room stands in a buffer");
    if (length > 64) buffer.set(bytes.subarray(start, end), offset);
    else for (let at = 0; at < length; at++) buffer[offset + at] = bytes[start + at]!;
    this.#end = offset + length;
    return offset;
  }

  /** Makes room for `bytes` more: write them at the returned offset of `buffer`, then `commit`. */
  reserve(bytes: number): number {
    if (this.#run !== null) this.#settleRun(bytes);
    const buffer = this.#buffer;
    if (buffer === null || this.#end + bytes > buffer.length) this.#grow(bytes);
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
   * Writes waiting bytes to the link. Returns how many the link took; -1: the link has ended.
   * Copies the rest out of input chunks.
   */
  flush(link: Link): number {
    if (this.#ahead.length === 0) return this.#flushRest(link);
    const ahead = this.#flushAhead(link);
    if (ahead < 0 || this.#ahead.length > 0) return ahead;
    const rest = this.#flushRest(link);
    return rest < 0 ? rest : ahead + rest;
  }

  #flushAhead(link: Link): number {
    let total = 0;
    for (;;) {
      const first = this.#ahead[0];
      if (first === undefined) return total;
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

  #push(bytes: Uint8Array, start: number, end: number, isBuffer: boolean): void {
    this.#ahead.push({ bytes, start, end, isBuffer });
    this.#aheadBytes += end - start;
  }

  #flushRest(link: Link): number {
    const run = this.#run;
    if (run !== null) {
      const written = link.write(run, this.#runStart, this.#runEnd);
      if (written < 0) return written;
      this.#runStart += written;
      if (this.#runStart === this.#runEnd) this.#run = null;
      else this.#settleRun(0);
      return written;
    }
    const buffer = this.#buffer;
    if (buffer === null || this.#start === this.#end) return 0;
    const written = link.write(buffer, this.#start, this.#end);
    if (written < 0) return written;
    this.#start += written;
    if (this.#start === this.#end) this.clear();
    return written;
  }

  clear(): void {
    for (const { bytes, isBuffer } of this.#ahead) if (isBuffer) this.#pool.give(bytes);
    this.#ahead = [];
    this.#aheadBytes = 0;
    this.#run = null;
    this.#start = 0;
    this.#end = 0;
    if (this.#buffer !== null) this.#pool.give(this.#buffer);
    this.#buffer = null;
  }

  /**
   * Copies the run out of its input chunk, since other bytes follow it or the link is full. A run
   * that makes up most of its chunk stays there, as a reference.
   */
  #settleRun(more: number): void {
    const run = this.#run;
    if (run === null) return;
    this.#run = null;
    const length = this.#runEnd - this.#runStart;
    if (isReferable(run, length)) {
      this.#push(run, this.#runStart, this.#runEnd, false);
      if (more > 0) this.#grow(more);
      return;
    }
    this.#grow(length + more);
    this.#buffer?.set(run.subarray(this.#runStart, this.#runEnd), this.#end);
    this.#end += length;
  }

  #grow(more: number): void {
    const held = this.#end - this.#start;
    const old = this.#buffer;
    const needed = held + more;
    if (old !== null && needed <= old.length && this.#start > old.length / 2) {
      old.copyWithin(0, this.#start, this.#end);
    } else {
      let size = smallestBuffer;
      while (size < needed) size *= 2;
      const buffer = size === smallestBuffer ? this.#pool.take() : new Uint8Array(size);
      if (old !== null) {
        buffer.set(old.subarray(this.#start, this.#end));
        this.#pool.give(old);
      }
      this.#buffer = buffer;
    }
    this.#start = 0;
    this.#end = held;
  }
}
