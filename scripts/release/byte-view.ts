/** Reads numbers and texts of an executable at absolute offsets. Throws RangeError past its end. */
export class ByteView {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #isLittleEndian: boolean;

  constructor(bytes: Uint8Array, isLittleEndian: boolean) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isLittleEndian = isLittleEndian;
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, this.#isLittleEndian);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, this.#isLittleEndian);
  }

  /** Throws RangeError for a number that no file offset reaches. */
  u64(at: number): number {
    const value = this.#view.getBigUint64(at, this.#isLittleEndian);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${value} at ${at}`);
    return Number(value);
  }

  slice(at: number, length: number): Uint8Array {
    if (at < 0 || length < 0 || at + length > this.bytes.length) {
      throw new RangeError(`bytes ${at} to ${at + length} of ${this.bytes.length}`);
    }
    return this.bytes.subarray(at, at + length);
  }

  /** Text up to a NUL, or up to `length`. */
  text(at: number, length = this.bytes.length - at): string {
    const bytes = this.slice(at, length);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }
}
