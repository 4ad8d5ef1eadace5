import type { Memory } from "../core/memory.ts";

const mebibyte = 1024 * 1024;
/** From this size of the process on, for a limit of memory, garbage is collected. */
const limitShare = 1.25;
const ownBytes = 64 * mebibyte;
/** Milliseconds between two collections, at first and at most. */
const soonestMs = 300;
const latestMs = 20_000;
/** At most this share of the time goes into them. */
const timeShare = 0.2;
/** A collection that frees less than this share of the process is of little use. */
const usefulShare = 0.1;

/**
 * Collects garbage early if the process grows beyond `limits.memory`: left to itself, the collector
 * lets the heap double before. While that frees little, it is done ever less often.
 */
export class Garbage {
  readonly #memory: Pick<Memory, "limit">;
  readonly #size: () => number;
  readonly #collect: () => number;
  #waitMs = soonestMs;
  #nextAt = -Infinity;
  /** Size of the process before the last collection, until its use is known; null: it is. */
  #before: number | null = null;

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
    if (this.#before !== null) {
      // What was freed has left the process by now.
      const isUseful = size < this.#before * (1 - usefulShare);
      this.#waitMs = isUseful ? soonestMs : Math.min(latestMs, 2 * this.#waitMs);
      this.#nextAt = Math.max(this.#nextAt, now + this.#waitMs);
      this.#before = null;
    }
    if (size < limit * limitShare + ownBytes || now < this.#nextAt) return;
    this.#before = size;
    this.#nextAt = now + this.#collect() / timeShare;
  }
}
