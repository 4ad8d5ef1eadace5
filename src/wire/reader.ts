import type { ClientPacket, ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import { readAck, readPingreq } from "./ack.ts";
import { decodeCold } from "./codec.ts";
import { Cursor } from "./cursor.ts";
import { violation, malformed, refused } from "./violation.ts";
import {
  claimedClientId,
  connectProtocol,
  firstByteViolation,
  PacketType,
  walkAuth,
  walkConnect,
  walkDisconnect,
  walkSubscribe,
  walkUnsubscribe,
} from "./grammar.ts";
import { readPublish } from "./publish.ts";
import { TopicNames } from "./topics.ts";
import { uncountedBytes, UnfinishedBytes } from "./unfinished.ts";

/** The bytes were no packet that a client may send. Nothing is read after it. */
export interface WireViolation {
  readonly type: "violation";
  readonly error: ProtocolError;
  /** What the connection speaks; null while no CONNECT got as far as its level. */
  readonly version: ProtocolVersion | null;
  /** The Client Identifier of a CONNECT that is wrong elsewhere; null: none was read, or it is known. */
  readonly clientId: string | null;
}

export interface PacketReaderOptions {
  /** Bytes of a whole PUBLISH, Infinity for any that MQTT allows (268,435,460). */
  readonly packetSize: number;
  /** Bytes of any other packet; never above `packetSize`, which is the default. */
  readonly controlPacketSize?: number;
  /** Where the memory of packets that came in part is counted. Default: nowhere. */
  readonly unfinished?: UnfinishedBytes;
  /** Lets a will with an empty topic or a wildcard pass, as some brokers do. Default: false. */
  readonly takesInvalidWill?: boolean;
}

/** Type and flags, and up to four bytes of Remaining Length. */
const headerMaximumSize = 5;
/** Bytes of a CONNECT's body up to its level, where that stands latest: MQTT 3.1. */
const levelEnd = 9;
/** The room that a packet which came in pieces gets at first; slow ones stay small. */
const firstRoom = 256;

const nothing = new Uint8Array(0);

/**
 * Cuts one connection's bytes into packets. `feed` a chunk, then call `next` until it gives null.
 *
 * A packet that lies whole in a chunk is read in place, and a PUBLISH then refers to that chunk. Only
 * one that came in pieces is put together in memory of its own, which grows with what has arrived and
 * never with what was announced.
 */
export class PacketReader {
  /** Known from the CONNECT on. */
  version: ProtocolVersion | null = null;

  readonly #packetSize: number;
  readonly #controlPacketSize: number;
  readonly #unfinished: UnfinishedBytes;
  readonly #takesInvalidWill: boolean;
  readonly #topics = new TopicNames();
  #failed = false;

  /** What is being read in place: #chunk[#position..], then the chunks that wait. */
  #chunk: Uint8Array = nothing;
  #position = 0;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  /** The packet that came in pieces: #pieces[0..#gathered). */
  #pieces: Uint8Array = nothing;
  #gathered = 0;
  /** Bytes of #pieces that #unfinished has counted. */
  #counted = 0;

  /** Of a CONNECT that is wrong. */
  #claimedClientId: string | null = null;

  /** Of the header read last: where its packet starts and its body begins and ends. */
  #start = 0;
  #body = 0;
  #end = 0;

  constructor(options: PacketReaderOptions) {
    this.#packetSize = options.packetSize;
    this.#controlPacketSize = options.controlPacketSize ?? options.packetSize;
    this.#unfinished = options.unfinished ?? new UnfinishedBytes(Infinity);
    this.#takesInvalidWill = options.takesInvalidWill ?? false;
  }

  /** Bytes that were fed and belong to no packet that `next` has given. */
  get buffered(): number {
    return this.#gathered + this.#chunk.length - this.#position + this.#waitingBytes;
  }

  /** Bytes that the packet which has begun still lacks; 0: there is none, or its length lacks too. */
  get awaited(): number {
    if (this.#gathered === 0) return 0;
    const found = this.#readHeader(this.#pieces, 0, this.#gathered);
    return found === null ? this.#end - this.#gathered : 0;
  }

  /** The chunk is the reader's to keep; its packets may refer to it. */
  feed(chunk: Uint8Array): void {
    if (this.#failed) return;
    // A Buffer's `slice` is a view where a Uint8Array's is a copy, which whoever keeps a payload
    // relies on.
    const bytes =
      chunk.constructor === Uint8Array
        ? chunk
        : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#position === this.#chunk.length && this.#waiting.length === 0) {
      this.#chunk = bytes;
      this.#position = 0;
    } else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
  }

  /** The next packet; null: there is none before more bytes are fed, or there was a violation. */
  next(): ClientPacket | WireViolation | null {
    while (!this.#failed && this.#hasBytes()) {
      const whole = this.#gathered === 0 ? this.#findInPlace() : this.#gather();
      if (whole === "incomplete") continue;
      if (whole !== null) return this.#fail(whole);
      return this.#read(this.#gathered === 0 ? this.#chunk : this.#takePieces());
    }
    return null;
  }

  /** Nobody reads on: what it has is nobody's. */
  discard(): void {
    this.#failed = true;
    this.#chunk = nothing;
    this.#position = 0;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#takePieces();
  }

  /** Moves on to the next chunk, and lets go of the one that is done. */
  #hasBytes(): boolean {
    while (this.#position === this.#chunk.length) {
      this.#chunk = this.#waiting.shift() ?? nothing;
      this.#position = 0;
      if (this.#chunk === nothing) return false;
      this.#waitingBytes -= this.#chunk.length;
    }
    return true;
  }

  /** Looks for a whole packet at #position, and begins to gather if there is only a part of one. */
  #findInPlace(): "incomplete" | ProtocolError | null {
    const chunk = this.#chunk;
    const found = this.#readHeader(chunk, this.#position, chunk.length);
    if (found !== null && found !== "incomplete") return found;
    if (found === null && this.#end <= chunk.length) {
      this.#position = this.#end;
      return null;
    }
    // Without a header the rest of the chunk is all that is known to be needed.
    const size = found === null ? this.#end - this.#start : headerMaximumSize;
    const rest = chunk.length - this.#position;
    return this.#makeRoom(Math.min(size, Math.max(firstRoom, rest))) ?? this.#append(rest);
  }

  /** Adds to #pieces what the chunk has of its packet. */
  #gather(): "incomplete" | ProtocolError | null {
    // The header's length is in its own bytes, so it is taken one by one.
    let found = this.#readHeader(this.#pieces, 0, this.#gathered);
    while (found === "incomplete") {
      if (!this.#hasBytes()) return "incomplete";
      const appended = this.#append(1);
      if (appended !== "incomplete") return appended;
      found = this.#readHeader(this.#pieces, 0, this.#gathered);
    }
    if (found !== null) return found;
    const rest = this.#chunk.length - this.#position;
    const appended = this.#append(Math.min(this.#end - this.#gathered, rest));
    if (appended !== "incomplete") return appended;
    return this.#gathered < this.#end ? "incomplete" : null;
  }

  #append(count: number): "incomplete" | ProtocolError {
    const gathered = this.#gathered + count;
    if (gathered > this.#pieces.length) {
      // Doubling keeps the copying linear, and the packet's own size bounds it. Past a quarter of it
      // the rest is worth reserving: no second copy is needed then.
      const whole = Math.max(this.#end, headerMaximumSize);
      const doubled = Math.max(gathered, this.#pieces.length * 2);
      const room = gathered * 4 >= whole ? whole : Math.min(whole, doubled);
      const error = this.#makeRoom(room);
      if (error !== null) return error;
    }
    const end = this.#position + count;
    this.#pieces.set(this.#chunk.subarray(this.#position, end), this.#gathered);
    this.#position = end;
    this.#gathered = gathered;
    return "incomplete";
  }

  /** Moves #pieces to memory of so many bytes, once these were counted. */
  #makeRoom(bytes: number): ProtocolError | null {
    if (bytes > uncountedBytes) {
      if (!this.#unfinished.take(bytes - this.#counted)) {
        return tooManyUnfinished(this.version, this.#unfinished.limit);
      }
      this.#counted = bytes;
    }
    const room = new Uint8Array(bytes);
    room.set(this.#pieces.subarray(0, this.#gathered));
    this.#pieces = room;
    return null;
  }

  /** Hands the gathered packet over: its memory is the packet's from here on. */
  #takePieces(): Uint8Array {
    const pieces = this.#pieces;
    this.#pieces = nothing;
    this.#gathered = 0;
    if (this.#counted > 0) this.#unfinished.giveBack(this.#counted);
    this.#counted = 0;
    return pieces;
  }

  /**
   * Reads the fixed header at bytes[start..available) into #start, #body and #end. What can be
   * refused by it alone is refused before anything is gathered.
   */
  #readHeader(
    bytes: Uint8Array,
    start: number,
    available: number,
  ): "incomplete" | ProtocolError | null {
    const first = bytes[start] ?? 0;
    const { version } = this;
    if (version === null) {
      if (first >> 4 !== PacketType.connect) return notConnect();
    } else if (first >> 4 !== PacketType.publish) {
      const found =
        first >> 4 === PacketType.connect
          ? secondConnect(version)
          : firstByteViolation(first, version);
      if (found !== null) return found;
    }
    let remaining = 0;
    let at = start + 1;
    for (let shift = 0; ; shift += 7) {
      if (shift === 28) return endlessLength(version);
      if (at >= available) return "incomplete";
      const part = bytes[at++] ?? 0;
      remaining |= (part & 0x7f) << shift;
      if (part >= 0x80) continue;
      if (part === 0 && shift > 0 && version === 5) return wastefulLength();
      break;
    }
    this.#start = start;
    this.#body = at;
    this.#end = at + remaining;
    const size = this.#end - start;
    const isPublish = first >> 4 === PacketType.publish;
    if (size <= (isPublish ? this.#packetSize : this.#controlPacketSize)) return null;
    if (version === null) {
      this.#learnVersion(bytes, at, available);
      // How a CONNECT is refused depends on its level, which may be still to come.
      const isKnown = this.version !== null || available - at >= levelEnd;
      if (!isKnown && available < this.#end) return "incomplete";
    }
    if (isPublish || size > this.#packetSize) return tooLarge(size, this.#packetSize);
    return tooLargeForControl(size, this.#controlPacketSize);
  }

  #learnVersion(bytes: Uint8Array, body: number, available: number): void {
    this.version = connectProtocol(bytes, body, available)?.version ?? null;
  }

  #learnClientId(bytes: Uint8Array, body: number, end: number): void {
    this.#claimedClientId = claimedClientId(new Cursor(bytes, body, end, this.version ?? 4));
  }

  /** Reads the whole packet at bytes[#start..#end). */
  #read(bytes: Uint8Array): ClientPacket | WireViolation {
    const packet = this.#readPacket(bytes, this.#start, this.#body, this.#end);
    return "type" in packet ? packet : this.#fail(packet);
  }

  #readPacket(
    bytes: Uint8Array,
    start: number,
    body: number,
    end: number,
  ): ClientPacket | ProtocolError {
    const { version } = this;
    if (version === null) return this.#readFirst(bytes, start, body, end);
    switch ((bytes[start] ?? 0) >> 4) {
      case PacketType.publish:
        return readPublish(bytes, start, body, end, version, this.#topics);
      case PacketType.puback:
        return readAck(bytes, "puback", body, end, version);
      case PacketType.pubrec:
        return readAck(bytes, "pubrec", body, end, version);
      case PacketType.pubrel:
        return readAck(bytes, "pubrel", body, end, version);
      case PacketType.pubcomp:
        return readAck(bytes, "pubcomp", body, end, version);
      case PacketType.pingreq:
        return readPingreq(body, end, version);
      default:
        return readCold(bytes, start, body, end, version);
    }
  }

  #readFirst(
    bytes: Uint8Array,
    start: number,
    body: number,
    end: number,
  ): ClientPacket | ProtocolError {
    this.#learnVersion(bytes, body, end);
    const packet = this.#readConnect(bytes, start, body, end);
    if (!("type" in packet)) this.#learnClientId(bytes, body, end);
    return packet;
  }

  #readConnect(
    bytes: Uint8Array,
    start: number,
    body: number,
    end: number,
  ): ClientPacket | ProtocolError {
    const version = this.version ?? 4;
    const found = firstByteViolation(bytes[start] ?? 0, version);
    if (found !== null) return found;
    // The length could not be judged before it was known that v5 forbids this.
    if (version === 5 && body - start > 2 && bytes[body - 1] === 0) return wastefulLength();
    const cursor = new Cursor(bytes, body, end, version);
    const connect = walkConnect(cursor);
    // Of all topics a CONNECT has that of its will only.
    const isPassed = this.#takesInvalidWill && cursor.error?.reason === Reason.topicNameInvalid;
    if (cursor.error !== null && !isPassed) return cursor.error;
    return decodeCold(bytes, start, end, version, connect);
  }

  #fail(error: ProtocolError): WireViolation {
    this.discard();
    return { type: "violation", error, version: this.version, clientId: this.#claimedClientId };
  }
}

function readCold(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
): ClientPacket | ProtocolError {
  const cursor = new Cursor(bytes, body, end, version);
  switch ((bytes[start] ?? 0) >> 4) {
    case PacketType.subscribe:
      walkSubscribe(cursor);
      break;
    case PacketType.unsubscribe:
      walkUnsubscribe(cursor);
      break;
    case PacketType.disconnect:
      walkDisconnect(cursor);
      break;
    default:
      walkAuth(cursor);
  }
  return cursor.error ?? decodeCold(bytes, start, end, version, null);
}

function notConnect(): ProtocolError {
  return refused(null, "3.1.0-1", "3.1.0-1", "the first packet is not CONNECT");
}

function secondConnect(version: ProtocolVersion): ProtocolError {
  return refused(version, "3.1.0-2", "3.1.0-2", "second CONNECT");
}

function endlessLength(version: ProtocolVersion | null): ProtocolError {
  return malformed(version, "2.2.3", "1.5.5", "Remaining Length takes more than four bytes");
}

/** v4 has no such rule. */
function wastefulLength(): ProtocolError {
  const detail = "Remaining Length is written in more bytes than it needs";
  return malformed(5, "", "1.5.5-1", detail);
}

/** v4 can't tell a client the limit, so it has no statement about it either. */
function tooLarge(size: number, limit: number): ProtocolError {
  const detail = `a packet of ${size} B, and the maximum is ${limit} B (limits.packetSize)`;
  return violation(Reason.packetTooLarge, 5, "", "3.2.2-15", detail);
}

/** Only PUBLISH may be as large as Maximum Packet Size. A limit that nobody can foresee (4.13.2). */
function tooLargeForControl(size: number, limit: number): ProtocolError {
  const detail =
    `a packet of ${size} B that is no PUBLISH, and the maximum for these is ${limit} B ` +
    "(limits.controlPacketSize)";
  return violation(Reason.packetTooLarge, 5, "", "4.13.2", detail);
}

function tooManyUnfinished(version: ProtocolVersion | null, limit: number): ProtocolError {
  const detail =
    `no room for a packet of which a part had come: all such packets may take ${limit} B together ` +
    "(limits.unfinishedBytes)";
  return violation(Reason.quotaExceeded, version === 5 ? 5 : 4, "4.8", "4.13.2", detail);
}
