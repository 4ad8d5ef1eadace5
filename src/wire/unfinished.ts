import type { Memory } from "../core/memory.ts";

/**
 * Memory of incomplete packets over all connections of a broker, bytes. The limit leaves out small
 * packets: a few connections that never finish large ones must not cut off all others.
 */
export class UnfinishedBytes {
  /** Infinity: no limit. */
  limit: number;
  readonly #memory: Memory | null;
  #taken = 0;

  /** `memory` counts small packets too; null: no broker's. */
  constructor(limit: number, memory: Memory | null = null) {
    this.limit = limit;
    this.#memory = memory;
  }

  /** Bytes of large packets. */
  get taken(): number {
    return this.#taken;
  }

  /**
   * A packet's buffer grows from `before` bytes to `bytes`. False: a limit would be exceeded, and
   * nothing is counted.
   */
  grow(before: number, bytes: number): boolean {
    const more = limited(bytes) - limited(before);
    if (more > 0 && this.#taken + more > this.limit) return false;
    this.#taken += more;
    this.#memory?.unfinished.take(bytes - before);
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= limited(bytes);
    this.#memory?.unfinished.give(bytes);
  }
}

/** A packet of up to this size does not count against the limit; bytes. */
export const unlimitedBytes = 4096;

function limited(bytes: number): number {
  return bytes > unlimitedBytes ? bytes : 0;
}
