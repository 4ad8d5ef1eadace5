import type { Memory } from "../core/memory.ts";

const mebibyte = 1024 * 1024;
/** From this size of the process on, for a limit of memory, garbage is collected. */
const limitShare = 1.1;
const ownBytes = 64 * mebibyte;
/** The process grows by this share of the limit between two collections. */
const growthShare = 1 / 8;
/** At most this share of the time goes into them. */
const timeShare = 1 / 3;

/**
 * Collects garbage early if the process grows beyond `limits.memory`: left to itself, the collector
 * lets the heap double before.
 */
export class Garbage {
  readonly #memory: Pick<Memory, "limit">;
  readonly #size: () => number;
  readonly #collect: () => number;
  /** The smallest size of the process since the last collection. */
  #low = 0;
  #nextAt = -Infinity;

  /** `size`: bytes of the process. `collect` returns how many milliseconds it took. */
  constructor(memory: Pick<Memory, "limit">, size: () => number, collect: () => number) {
    this.#memory = memory;
    this.#size = size;
    this.#collect = collect;
  }

  /** Call several times a second. `now`: milliseconds, monotonic. */
  look(now: number): void {
    const { limit } = this.#memory;
    if (limit === Infinity) return;
    const size = this.#size();
    this.#low = Math.min(this.#low, size);
    const isLarge = size >= limit * limitShare + ownBytes;
    if (!isLarge || size < this.#low + limit * growthShare || now < this.#nextAt) return;
    // What is freed leaves the process after a while.
    this.#low = size;
    this.#nextAt = now + this.#collect() / timeShare;
  }
}
