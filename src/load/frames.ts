/** Gets each complete packet of a stream, undecoded. */
export interface FrameReader {
  /**
   * `bytes[start..start + size)` is one packet. Of a packet that arrived in pieces only the first
   * `headBytes` bytes are there.
   */
  frame(bytes: Uint8Array, start: number, size: number): void;
}

/** Enough for the fields of every small packet, and for the numbers in the payload of a large one. */
export const headBytes = 1024;

/**
 * Cuts a stream into packets. Allocates nothing for a packet, and keeps no payload; `Frames` of
 * src/client copies each packet, which would make the load dearer than a broker.
 */
export class FrameCutter {
  readonly #reader: FrameReader;
  /** The start of a packet whose end has not arrived yet. */
  readonly #head = new Uint8Array(headBytes);
  /** How much of that packet has arrived; 0: no packet is cut. */
  #arrived = 0;
  /** Its size; 0: not known yet. */
  #size = 0;

  constructor(reader: FrameReader) {
    this.#reader = reader;
  }

  /** Whether the stream ends with a complete packet. */
  get isWhole(): boolean {
    return this.#arrived === 0;
  }

  push(chunk: Uint8Array): void {
    let at = this.#arrived > 0 ? this.#complete(chunk) : 0;
    for (;;) {
      const size = frameSize(chunk, at, chunk.length);
      if (size === 0 || at + size > chunk.length) break;
      this.#reader.frame(chunk, at, size);
      at += size;
    }
    if (at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  /** Returns where the next packet starts. */
  #complete(chunk: Uint8Array): number {
    let at = 0;
    // The size may be cut in its middle.
    while (this.#size === 0 && at < chunk.length) {
      this.#head[this.#arrived++] = chunk[at++] ?? 0;
      this.#size = frameSize(this.#head, 0, this.#arrived);
    }
    if (this.#size === 0) return at;
    const end = Math.min(chunk.length, at + this.#size - this.#arrived);
    this.#keep(chunk, at, end);
    if (this.#arrived < this.#size) return end;
    const size = this.#size;
    this.#arrived = 0;
    this.#size = 0;
    this.#reader.frame(this.#head, 0, size);
    return end;
  }

  #keep(chunk: Uint8Array, from: number, to: number): void {
    const room = headBytes - this.#arrived;
    if (room > 0) this.#head.set(chunk.subarray(from, Math.min(to, from + room)), this.#arrived);
    this.#arrived += to - from;
    if (this.#size === 0) {
      this.#size = frameSize(this.#head, 0, Math.min(this.#arrived, headBytes));
    }
  }
}

/** Size of the packet at `start`; 0: its length has not arrived yet. */
function frameSize(bytes: Uint8Array, start: number, end: number): number {
  let length = 0;
  for (let at = start + 1, shift = 0; at < end && shift < 28; at++, shift += 7) {
    const byte = bytes[at] ?? 0;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + 1 - start + length;
  }
  return 0;
}
