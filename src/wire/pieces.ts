import { type Full, UnfinishedBytes } from "./unfinished.ts";

/** Initial buffer, bytes: slow senders take little memory. */
const firstRoom = 256;

const nothing = new Uint8Array(0);

/** A packet that arrives in pieces, assembled in memory of its own. */
export class Pieces {
  readonly #unfinished: UnfinishedBytes;
  /** What has arrived: bytes[0..gathered). */
  bytes: Uint8Array = nothing;
  gathered = 0;
  /** When bytes of it last came: the reader's owner says so. */
  grownAt = 0;
  /** It asks for more memory, in the middle of being read: others have to give way. */
  isGrowing = false;

  constructor(unfinished: UnfinishedBytes) {
    this.#unfinished = unfinished;
  }

  /** Memory counted in `unfinished`; bytes. */
  get memory(): number {
    return this.bytes.length;
  }

  /** Takes the first memory of a packet of `size` bytes, of which `arrived` have arrived. */
  begin(size: number, arrived: number): Full | null {
    return this.#makeRoom(Math.min(size, Math.max(firstRoom, arrived)));
  }

  /** Appends from[start..start + count) to a packet of `whole` bytes. Not null: no room. */
  append(from: Uint8Array, start: number, count: number, whole: number): Full | null {
    const gathered = this.gathered + count;
    if (gathered > this.bytes.length) {
      // Doubling keeps copying linear, and the packet's size bounds it. Once a quarter has arrived,
      // reserve the whole packet: that saves a second copy.
      const doubled = Math.max(gathered, this.bytes.length * 2);
      const full = this.#makeRoom(gathered * 4 >= whole ? whole : Math.min(whole, doubled));
      if (full !== null) return full;
    }
    this.bytes.set(from.subarray(start, start + count), this.gathered);
    this.gathered = gathered;
    return null;
  }

  /** Counts `size` bytes, then moves the packet to memory of that size. */
  #makeRoom(size: number): Full | null {
    this.isGrowing = true;
    const full = this.#unfinished.grow(this.bytes.length, size);
    this.isGrowing = false;
    if (full !== null) return full;
    const room = new Uint8Array(size);
    room.set(this.bytes.subarray(0, this.gathered));
    this.bytes = room;
    return null;
  }

  /** Hands over the packet with its memory. */
  take(): Uint8Array {
    const { bytes } = this;
    this.bytes = nothing;
    this.gathered = 0;
    if (bytes.length > 0) this.#unfinished.giveBack(bytes.length);
    return bytes;
  }
}

/** Of every reader that gathers none; never begun. */
export const noPieces = new Pieces(new UnfinishedBytes(0));
