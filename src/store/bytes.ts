import { StoreError } from "./faults.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Writes numbers, texts and bytes into one buffer that grows. Little-endian. */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  /** `capacity`: bytes to begin with. */
  constructor(capacity = 4096) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written; a view, valid until the next write. */
  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The same from an offset on. */
  writtenFrom(at: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, at, this.#length - at);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  /** A place for a length that is known later. Returns its offset. */
  gap(): number {
    this.u32(0);
    return this.#length - 4;
  }

  fill(gap: number, value: number): void {
    this.#view.setUint32(gap, value, true);
  }

  /** Times, keys and counts: all whole numbers up to 2 ** 53. */
  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** Bytes alone, without their length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    const gap = this.gap();
    this.rawText(text);
    this.fill(gap, this.#length - gap - 4);
  }

  /** A text alone, without its length, in UTF-8. */
  rawText(text: string): void {
    this.#reserve(text.length * 3);
    if (text.length > shortText || !this.#ascii(text)) {
      this.#length += encoder.encodeInto(text, this.#bytes.subarray(this.#length)).written;
    }
  }

  /** A short text without a call into the runtime. False: it has other characters. */
  #ascii(text: string): boolean {
    const [bytes, at] = [this.#bytes, this.#length];
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return false;
      bytes[at + index] = code;
    }
    this.#length += text.length;
    return true;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Characters up to which a loop is faster than the encoder. */
const shortText = 48;

/** Reads what ByteWriter wrote. Throws StoreError, `damaged`, where the bytes end too early. */
export class ByteReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** What is read next are the bytes of this part. Throws StoreError if there are fewer. */
  window(at: number, end: number): void {
    if (end > this.#bytes.length) throw tooShort();
    this.#at = at;
    this.#end = end;
  }

  /** A view of a part, wherever it stands. */
  view(at: number, end: number): Uint8Array {
    const { buffer, byteOffset } = this.#bytes;
    return new Uint8Array(buffer, byteOffset + at, end - at);
  }

  get at(): number {
    return this.#at;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  number(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  /** A copy. */
  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return this.view(at, at + length).slice();
  }

  text(): string {
    return this.rawText(this.u32());
  }

  rawText(length: number): string {
    const at = this.#take(length);
    return textOf(this.#bytes, at, length);
  }

  /** All that is left, as text. */
  rest(): string {
    return this.rawText(this.#end - this.#at);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#end) throw tooShort();
    this.#at = at + length;
    return at;
  }
}

function tooShort(): StoreError {
  return new StoreError("damaged", "mqttd.db is damaged: a record ends too early");
}

/** Texts that were read lately, by their hash: many records have the same, and share one string. */
const recent: (string | undefined)[] = Array.from({ length: 1024 });
const longestRecent = 64;

function textOf(bytes: Buffer, at: number, length: number): string {
  if (length > longestRecent) return decoder.decode(bytes.subarray(at, at + length));
  let hash = length;
  let bits = 0;
  for (let index = at; index < at + length; index++) {
    const byte = bytes[index] ?? 0;
    hash = (Math.imul(hash, 31) + byte) | 0;
    bits |= byte;
  }
  const slot = (hash ^ (hash >> 10)) & (recent.length - 1);
  const known = recent[slot];
  if (known !== undefined && isText(known, bytes, at, length)) return known;
  const isAscii = bits < 0x80;
  const text = isAscii
    ? bytes.toString("latin1", at, at + length)
    : decoder.decode(bytes.subarray(at, at + length));
  recent[slot] = text;
  return text;
}

/** Whether the bytes are that text; one with other characters than ASCII never is. */
function isText(text: string, bytes: Uint8Array, at: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code !== bytes[at + index] || code > 0x7f) return false;
  }
  return true;
}
