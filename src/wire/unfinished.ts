/**
 * Memory of incomplete packets over all connections of a broker, bytes. Small packets are not
 * counted: a few connections that never finish large packets must not cut off all others.
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

  /** False: the bytes would exceed the limit, and none are counted. */
  take(bytes: number): boolean {
    if (this.#taken + bytes > this.limit) return false;
    this.#taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#taken -= bytes;
  }
}

/** A packet of up to this size is not counted; bytes. */
export const uncountedBytes = 4096;
