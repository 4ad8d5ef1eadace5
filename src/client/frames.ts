const nothing = new Uint8Array(0);

/** A packet above the size limit. Sizes in bytes. */
export class TooLarge {
  readonly announced: number;
  readonly most: number;

  constructor(announced: number, most: number) {
    this.announced = announced;
    this.most = most;
  }
}

/**
 * Cuts a stream of bytes into packets by their Remaining Length. Memory grows with the bytes
 * received, never with the announced length. A packet announced as larger than `most` bytes is not
 * buffered.
 */
export class Frames {
  readonly #most: number;
  /** #bytes[#start..#end) is not yet part of a frame. */
  #bytes: Uint8Array = nothing;
  #start = 0;
  #end = 0;

  constructor(most = Infinity) {
    this.#most = most;
  }

  feed(chunk: Uint8Array): void {
    const held = this.#end - this.#start;
    if (this.#end + chunk.length > this.#bytes.length) {
      // Doubling keeps copying linear, even for a large packet in tiny chunks.
      const room = new Uint8Array(Math.max(held + chunk.length, held * 2));
      room.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = room;
      this.#start = 0;
      this.#end = held;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The next packet, as a copy. Null: not complete yet. `endless`: its length can't be read. */
  next(): Uint8Array | TooLarge | "endless" | null {
    let remaining = 0;
    for (let at = this.#start + 1, size = 1; size <= 4; at++, size++) {
      if (at >= this.#end) return null;
      const part = this.#bytes[at] ?? 0;
      remaining += (part & 0x7f) * 128 ** (size - 1);
      if (part >= 0x80) continue;
      const end = at + 1 + remaining;
      if (end - this.#start > this.#most) return new TooLarge(end - this.#start, this.#most);
      if (end > this.#end) return null;
      const frame = this.#bytes.slice(this.#start, end);
      this.#start = end;
      if (end === this.#end) this.forget();
      return frame;
    }
    return "endless";
  }

  /** Releases the buffer, so that one large packet does not keep its memory for ever. */
  forget(): void {
    this.#bytes = nothing;
    this.#start = 0;
    this.#end = 0;
  }
}
