/** What a client's first TLS message says, before anything is decrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  /** The name that the client wants to reach (SNI), in lower case; null: it names none. */
  readonly serverName: string | null;
  /** Versions that it offers, as on the wire: 0x0303 is TLS 1.2, 0x0304 TLS 1.3. */
  readonly versions: readonly number[];
}

/** Bytes of a ClientHello with its record headers; real ones take less than 4 KiB. */
const helloBytesMax = 16 * 1024;

const handshakeRecord = 22;
const clientHello = 1;
const serverNameExtension = 0;
const supportedVersionsExtension = 43;

/**
 * Reads the ClientHello at the beginning of a connection's bytes. Null: incomplete so far. A text:
 * it is none, and what it looks like instead.
 */
export function readClientHello(bytes: Uint8Array): ClientHello | string | null {
  const [first] = bytes;
  if (first === undefined) return null;
  if (first !== handshakeRecord || (bytes[1] ?? 3) !== 3) return `no TLS: ${notTls(bytes)}`;
  const message = handshakeMessage(bytes);
  if (typeof message === "string") return message;
  if (message === null) return bytes.length > helloBytesMax ? "its ClientHello is too long" : null;
  try {
    return parse(new Reader(message));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return "its ClientHello is malformed";
  }
}

function notTls(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, 8));
  if (bytes[0] === 0x10) return "it sent MQTT in plain text";
  if (/^[A-Z]{3,8} ?/.test(text)) return "it sent HTTP in plain text";
  return "it sent something else";
}

/** The first handshake message, put together from its records; null: incomplete. */
function handshakeMessage(bytes: Uint8Array): Uint8Array | string | null {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let at = 0; at + 5 <= bytes.length;) {
    if (bytes[at] !== handshakeRecord) return "its ClientHello is malformed";
    const end = at + 5 + ((bytes[at + 3] ?? 0) << 8) + (bytes[at + 4] ?? 0);
    if (end === at + 5) return "its ClientHello is malformed";
    parts.push(bytes.subarray(at + 5, end));
    length += Math.min(end, bytes.length) - (at + 5);
    at = end;
    const [first] = parts;
    if (first !== undefined && first.length > 0 && first[0] !== clientHello)
      return "its first message is no ClientHello";
    if (length >= 4) {
      const joined = parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
      const size = 4 + ((joined[1] ?? 0) << 16) + ((joined[2] ?? 0) << 8) + (joined[3] ?? 0);
      if (size > helloBytesMax) return "its ClientHello is too long";
      if (length >= size) return joined.subarray(4, size);
    }
  }
  return null;
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
