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
   * A packet's buffer grows from `before` bytes to `bytes`. Null: it may. Otherwise the limit that
   * would be exceeded, and nothing is counted.
   */
  grow(before: number, bytes: number): { readonly key: string; readonly bytes: number } | null {
    const more = limited(bytes) - limited(before);
    const memory = this.#memory;
    if (more > 0) {
      if (this.#taken + more > this.limit) {
        return { key: "limits.unfinishedBytes", bytes: this.limit };
      }
      if (memory !== null && !hasRoomIn(memory, more)) {
        return { key: "limits.memory", bytes: memory.limit };
      }
    }
    this.#taken += more;
    memory?.unfinished.take(bytes - before);
    return null;
  }

  giveBack(bytes: number): void {
    this.#taken -= limited(bytes);
    this.#memory?.unfinished.give(bytes);
  }
}

/** A packet of up to this size does not count against the limit; bytes. */
export const unlimitedBytes = 4096;

/** Share of all memory for incomplete packets, which nobody may ever finish. */
const memoryShare = 1 / 2;

function hasRoomIn(memory: Memory, bytes: number): boolean {
  return memory.hasRoom(bytes) && memory.unfinished.bytes + bytes <= memory.limit * memoryShare;
}

function limited(bytes: number): number {
  return bytes > unlimitedBytes ? bytes : 0;
}
