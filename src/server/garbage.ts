import type { Memory } from "../core/memory.ts";

const mebibyte = 1024 * 1024;
/** From this size of the process on, for a limit of memory, garbage is collected. */
const limitShare = 1.1;
const ownBytes = 64 * mebibyte;
/** The process grows by this share of the limit between two collections of all garbage. */
const growthShare = 1 / 8;
/** So much is read from sockets between two collections of young garbage: a share of the limit. */
const readShare = 1 / 16;
const readBytesMin = 4 * mebibyte;
/** At most this share of the time goes into either. */
const timeShare = 1 / 3;

/** Calls of the runtime. */
export interface Collector {
  /** Collects objects of which most were made since the last collection. */
  readonly young: () => void;
  readonly all: () => void;
}

interface Surroundings extends Collector {
  /** Milliseconds, monotonic. */
  readonly now: () => number;
  /** Bytes of the process. */
  readonly size: () => number;
}

/**
 * Collects garbage early if the process grows beyond `limits.memory`: left to itself, the collector
 * lets the heap double before. Most garbage are the chunks of sockets and what was gathered of them.
 */
export class Garbage {
  readonly #memory: Pick<Memory, "limit">;
  readonly #around: Surroundings;
  /** The smallest size of the process since the last collection. */
  #low = 0;
  #nextAt = -Infinity;
  /** Bytes read since the last collection. */
  #read = 0;
  #nextYoungAt = -Infinity;

  constructor(memory: Pick<Memory, "limit">, around: Surroundings) {
    this.#memory = memory;
    this.#around = around;
  }

  /** Call several times a second. */
  look(): void {
    const { limit } = this.#memory;
    if (limit === Infinity) return;
    const { now, size, all } = this.#around;
    const [bytes, at] = [size(), now()];
    this.#low = Math.min(this.#low, bytes);
    if (bytes < largeFrom(limit) || bytes < this.#low + limit * growthShare || at < this.#nextAt) {
      return;
    }
    all();
    // What is freed leaves the process after a while.
    this.#low = bytes;
    this.#read = 0;
    this.#nextAt = pausedUntil(at, now());
  }

  /** Call with the bytes of each chunk that a socket gave. */
  read(bytes: number): void {
    this.#read += bytes;
    const { limit } = this.#memory;
    if (this.#read < Math.max(readBytesMin, limit * readShare)) return;
    const { now, size, young } = this.#around;
    this.#read = 0;
    const at = now();
    if (at < this.#nextYoungAt || size() < largeFrom(limit)) return;
    young();
    this.#nextYoungAt = pausedUntil(at, now());
  }
}

function largeFrom(limit: number): number {
  return limit * limitShare + ownBytes;
}

/** After a collection from `began` to `ended`. */
function pausedUntil(began: number, ended: number): number {
  return began + (ended - began) / timeShare;
}
