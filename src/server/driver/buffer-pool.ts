/** Sizes of pooled buffers, bytes: of a few packets, and of a write that is worth its own call. */
export const smallBuffer = 16 * 1024;
export const largeBuffer = 64 * 1024;
/** Most buffers of each size that are kept for reuse. */
const smallKept = 256;
const largeKept = 64;

/** Unused output buffers. One pool for each driver. */
export class BufferPool {
  readonly #small: Uint8Array[] = [];
  readonly #large: Uint8Array[] = [];

  /** A buffer of at least `bytes`, with any content. Beyond `largeBuffer` it is a new one. */
  take(bytes: number): Uint8Array {
    if (bytes <= smallBuffer) return this.#small.pop() ?? new Uint8Array(smallBuffer);
    if (bytes <= largeBuffer) return this.#large.pop() ?? new Uint8Array(largeBuffer);
    return new Uint8Array(bytes);
  }

  give(buffer: Uint8Array): void {
    const { length } = buffer;
    if (length === smallBuffer && this.#small.length < smallKept) this.#small.push(buffer);
    else if (length === largeBuffer && this.#large.length < largeKept) this.#large.push(buffer);
  }
}
