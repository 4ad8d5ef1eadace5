/**
 * Bytes of memory that packets which came in part take, all connections of a broker together. What is
 * small is what any connection costs, and is not counted: a few that send large packets and never end
 * them must not cut everybody else off.
 */
export class UnfinishedBytes {
  /** Infinity: no limit. */
  limit: number;
  #taken = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get taken(): number {
    return this.#taken;
  }

  /** False: that would be more than the limit, and nothing is taken. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** Bytes of one packet up to which it counts nowhere. */
export const uncountedBytes = 4096;
