import type { Memory } from "../core/memory.ts";
import type { NameMemory } from "./topics.ts";

/** A limit that is reached. */
export interface Full {
  readonly key: string;
  readonly bytes: number;
}

/**
 * Memory of incomplete packets over all connections of a broker, bytes. The limit leaves out small
 * packets: a few connections that never finish large ones must not cut off all others.
 */
export class UnfinishedBytes implements NameMemory {
  /** Infinity: no limit. */
  limit: number;
  /**
   * Called when a limit is reached: ends a connection whose packet takes memory and stands still.
   * False: there is none.
   */
  giveWay: (full: Full) => boolean = () => false;
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
  grow(before: number, bytes: number): Full | null {
    const more = limited(bytes) - limited(before);
    let full = this.#fullWith(more);
    while (full !== null && this.giveWay(full)) full = this.#fullWith(more);
    if (full !== null) return full;
    this.#taken += more;
    this.#memory?.unfinished.take(bytes - before);
    return null;
  }

  #fullWith(more: number): Full | null {
    if (more <= 0) return null;
    if (this.#taken + more > this.limit)
      return { key: "limits.unfinishedBytes", bytes: this.limit };
    const memory = this.#memory;
    const hasRoom = memory === null || hasRoomIn(memory, more);
    return hasRoom ? null : { key: "limits.memory", bytes: memory.limit };
  }

  /** Counts memory of a connection's input that is bounded elsewhere: names that it remembers. */
  count(bytes: number): void {
    this.#memory?.unfinished.take(bytes);
  }

  get isShort(): boolean {
    return this.#memory?.takes("dropQos0") === true;
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
