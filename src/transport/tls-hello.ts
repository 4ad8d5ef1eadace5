/** What a client's first TLS message says, before anything is decrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  /** The name that the client wants to reach (SNI), in lower case; null: it names none. */
  readonly serverName: string | null;
  /** Versions that it offers, as on the wire: 0x0303 is TLS 1.2, 0x0304 TLS 1.3. */
  readonly versions: readonly number[];
}

/**
 * Bytes of a ClientHello with its record headers, and of what follows at once. Real ones take less
 * than 4 KiB.
 */
const helloBytesMax = 16 * 1024;

const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const supportedVersionsExtension = 43;

/**
 * Reads the ClientHello with which a connection begins. Anybody may cut it into records and chunks of
 * one byte, so each byte is looked at once until all have arrived.
 */
export class HelloReader {
  /** All bytes so far, with those behind the ClientHello. */
  bytes: Uint8Array = new Uint8Array();
  /** Up to here records are followed. */
  #at = 0;
  /** Bytes of the last record that are still to come. */
  #missing = 0;
  /** Type and length of the message, its first four bytes. */
  readonly #head: number[] = [];
  /** Bytes of the message so far. */
  #length = 0;

  /** Null: incomplete so far. A text: it is none, and what it looks like instead. */
  feed(chunk: Uint8Array): ClientHello | string | null {
    this.bytes = this.bytes.length === 0 ? chunk : Buffer.concat([this.bytes, chunk]);
    const { bytes } = this;
    if (bytes.length === 0) return null;
    if (bytes[0] !== handshakeRecord || (bytes[1] ?? 3) !== 3) return `no TLS: ${notTls(bytes)}`;
    const message = this.#message();
    if (typeof message === "string") return message;
    const isTooLong = bytes.length > helloBytesMax;
    if (message === null) return isTooLong ? tooLong : null;
    // They would wait for the handshake's turn, in memory that nothing counts.
    if (isTooLong) return "it sends more than its ClientHello before it is answered";
    try {
      return parse(new Reader(message));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return malformed;
    }
  }

  /** The body of the first handshake message; null: incomplete. */
  #message(): Uint8Array | string | null {
    const { bytes } = this;
    while (this.#at < bytes.length) {
      if (this.#missing > 0) this.#take();
      else if (this.#at + recordHeaderBytes > bytes.length) return null;
      else {
        this.#missing = recordLength(bytes, this.#at);
        if (bytes[this.#at] !== handshakeRecord || this.#missing === 0) return malformed;
        this.#at += recordHeaderBytes;
      }
      const [type, high = 0, middle = 0, low = 0] = this.#head;
      if (type !== undefined && type !== clientHello) return "its first message is no ClientHello";
      if (this.#head.length < messageHeaderBytes) continue;
      const size = messageHeaderBytes + (high << 16) + (middle << 8) + low;
      if (size > helloBytesMax) return tooLong;
      if (this.#length >= size) return fragments(bytes).subarray(messageHeaderBytes, size);
    }
    return null;
  }

  /** Follows what has arrived of a record. */
  #take(): void {
    const taken = Math.min(this.#missing, this.bytes.length - this.#at);
    const wanted = messageHeaderBytes - this.#head.length;
    this.#head.push(...this.bytes.subarray(this.#at, this.#at + Math.min(taken, wanted)));
    this.#length += taken;
    this.#missing -= taken;
    this.#at += taken;
  }
}

const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
const tooLong = "its ClientHello is too long";
const malformed = "its ClientHello is malformed";

function recordLength(bytes: Uint8Array, at: number): number {
  return ((bytes[at + 3] ?? 0) << 8) + (bytes[at + 4] ?? 0);
}

/** What the records of these bytes hold, the last as far as it has arrived. */
function fragments(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at + recordHeaderBytes <= bytes.length;) {
    const end = at + recordHeaderBytes + recordLength(bytes, at);
    parts.push(bytes.subarray(at + recordHeaderBytes, end));
    at = end;
  }
  return Buffer.concat(parts);
}

function notTls(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, 8));
  if (bytes[0] === 0x10) return "it sent MQTT in plain text";
  if (/^[A-Z]{3,8} ?/.test(text)) return "it sent HTTP in plain text";
  return "it sent something else";
}

function parse(reader: Reader): ClientHello {
  const legacyVersion = reader.number(2);
  reader.skip(32);
  reader.skip(reader.number(1)); // session id
  reader.skip(reader.number(2)); // cipher suites
  reader.skip(reader.number(1)); // compression methods
  let serverName: string | null = null;
  let versions = [legacyVersion];
  if (reader.isAtEnd) return { serverName, versions };
  const extensions = reader.part(reader.number(2));
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const extension = extensions.part(extensions.number(2));
    if (type === serverNameExtension) serverName = hostName(extension);
    if (type === supportedVersionsExtension) versions = versionList(extension);
  }
  return { serverName, versions };
}

function hostName(extension: Reader): string | null {
  const names = extension.part(extension.number(2));
  while (!names.isAtEnd) {
    const type = names.number(1);
    const name = names.part(names.number(2)).text();
    if (type === 0) return name.toLowerCase().replace(/\.$/, "");
  }
  return null;
}

function versionList(extension: Reader): number[] {
  const list = extension.part(extension.number(1));
  const versions: number[] = [];
  while (!list.isAtEnd) versions.push(list.number(2));
  // Values like 0x1a1a, which keep servers used to unknown versions (RFC 8701).
  return versions.filter((version) => version >> 8 === 3);
}

/** Throws RangeError where the bytes end too early. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  skip(bytes: number): void {
    if (this.#at + bytes > this.#bytes.length) throw new RangeError("too short");
    this.#at += bytes;
  }

  number(bytes: number): number {
    const start = this.#at;
    this.skip(bytes);
    let value = 0;
    for (let at = start; at < this.#at; at += 1) value = value * 256 + (this.#bytes[at] ?? 0);
    return value;
  }

  part(bytes: number): Reader {
    const start = this.#at;
    this.skip(bytes);
    return new Reader(this.#bytes.subarray(start, this.#at));
  }

  text(): string {
    return String.fromCharCode(...this.#bytes);
  }
}
