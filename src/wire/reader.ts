import type { IncompletePacket } from "../core/io.ts";
import type { ClientPacket, ProtocolVersion, PublishRun } from "../core/packet.ts";
import type { ProtocolError } from "../core/reason.ts";
import { type AckRun, ackRunSize, readAck, readAckRun, readPingreq } from "./ack.ts";
import { claimedClientId, connectProtocol, readConnect } from "./connect.ts";
import { Cursor } from "./cursor.ts";
import { endlessLength, headerViolation, wastefulLength } from "./fixed-header.ts";
import { firstByteViolation, packetName, PacketType, readAuth, readDisconnect } from "./grammar.ts";
import { foreignProtocol } from "./foreign-protocol.ts";
import { noPieces, Pieces } from "./pieces.ts";
import { readPublish } from "./publish.ts";
import { beginsRun, PublishRuns } from "./publish-run.ts";
import { readSubscribe, readUnsubscribe } from "./subscribe.ts";
import {
  tooLarge,
  tooLargeForConnect,
  tooLargeForControl,
  tooManyUnfinished,
} from "./too-large.ts";
import { TopicNames } from "./topics.ts";
import { UnfinishedBytes } from "./unfinished.ts";

/** The bytes were not a packet that a client may send. The reader stops after it. */
export interface WireViolation {
  readonly type: "violation";
  readonly error: ProtocolError;
  /** The connection's version; null: no CONNECT arrived as far as its level. */
  readonly version: ProtocolVersion | null;
  /**
   * The Client Identifier of a CONNECT that is wrong elsewhere; null: none read, or already known.
   */
  readonly clientId: string | null;
}

export interface PacketReaderOptions {
  /** Maximum bytes of a whole PUBLISH; Infinity: any size that MQTT allows (268,435,460). */
  readonly packetSize: number;
  /** Maximum bytes of any other packet, at most `packetSize`. Default: `packetSize`. */
  readonly controlPacketSize?: number;
  /** Maximum bytes of a CONNECT, at most `controlPacketSize`. Default: `controlPacketSize`. */
  readonly connectSize?: number;
  /**
   * Maximum filters of an UNSUBSCRIBE, and filters of a SUBSCRIBE that are decoded. Default: no
   * limit.
   */
  readonly filters?: number;
  /** Counts the memory of incomplete packets. Default: no limit. */
  readonly unfinished?: UnfinishedBytes;
  /** Accepts a will whose topic is empty or has a wildcard, as some brokers do. Default: false. */
  readonly takesInvalidWill?: boolean;
}

/** Type and flags, plus up to four bytes of Remaining Length. */
const headerMaximumSize = 5;
/** Bytes of a CONNECT's body through its level, in the longest form: MQTT 3.1. */
const levelEnd = 9;
/** Bytes of the body of a CONNECT above the limit that are searched for its client id. */
const claimBytes = 1024;

/** Of a broker, which counts unfinished packets. */
export type CountedReaderOptions = PacketReaderOptions & {
  readonly unfinished: UnfinishedBytes;
};

const nothing = new Uint8Array(0);
/** The chunk of a reader that has failed: it reads no more. */
const stopped = new Uint8Array(0);
/** The waiting chunks of every reader that never had any; not to be changed. */
const noChunks: Uint8Array[] = [];

/**
 * Cuts one connection's bytes into packets. `feed` a chunk, then call `next` until it returns null.
 *
 * A packet that lies whole in a chunk is read in place, and a PUBLISH then refers to that chunk. A
 * packet in pieces is assembled in its own memory, which grows with the bytes received, never with
 * the announced length.
 */
export class PacketReader {
  /** Set by the CONNECT; null before. */
  version: ProtocolVersion | null = null;

  /** All readers of a broker share them. */
  #options: CountedReaderOptions;
  /** Created with the first PUBLISH. */
  #topics: TopicNames | null = null;
  /** Created with the first PUBLISH that others follow. */
  #runs: PublishRuns | null = null;

  /** Unread bytes: #chunk[#position..], then the waiting chunks. */
  #chunk: Uint8Array = nothing;
  #position = 0;
  #waiting = noChunks;

  /** Of its own while a packet arrives in pieces. */
  #pieces = noPieces;

  /** The client id of an invalid CONNECT. */
  #claimedClientId: string | null = null;

  /** From the last header: offsets of packet start, body start and body end. */
  #start = 0;
  #body = 0;
  #end = 0;

  constructor(options: PacketReaderOptions) {
    this.#options = isCounted(options)
      ? options
      : { ...options, unfinished: new UnfinishedBytes(Infinity) };
  }

  /** Call before anything is read. */
  set options(options: CountedReaderOptions) {
    this.#options = options;
  }

  get #failed(): boolean {
    return this.#chunk === stopped;
  }

  get #packetSize(): number {
    return this.#options.packetSize;
  }

  get #controlPacketSize(): number {
    return this.#options.controlPacketSize ?? this.#packetSize;
  }

  get #connectSize(): number {
    return this.#options.connectSize ?? this.#controlPacketSize;
  }

  /** Bytes fed that `next` has not returned in a packet. */
  get buffered(): number {
    return this.#pieces.gathered + this.#chunk.length - this.#position + this.#waitingBytes;
  }

  /** More chunks wait behind the one that is read. */
  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  get #waitingBytes(): number {
    let bytes = 0;
    // Mostly none: a link pauses when one waits.
    for (let at = 0; at < this.#waiting.length; at++) bytes += this.#waiting[at]!.length;
    return bytes;
  }

  /** Memory of the packet in pieces, counted in `unfinished`; bytes. */
  get gatheredMemory(): number {
    return this.#pieces.memory;
  }

  /** Memory of remembered Topic Names, counted in `unfinished`; bytes. */
  get namesMemory(): number {
    return this.#topics?.held ?? 0;
  }

  /** Memory of the chunks fed and not read to their end; bytes. */
  get unreadMemory(): number {
    const current = this.#position < this.#chunk.length ? this.#chunk.length : 0;
    return current + this.#waitingBytes;
  }

  /** The next packet is a DISCONNECT. */
  get isLeaving(): boolean {
    if (this.version === null || this.#pieces.gathered > 0) return false;
    return (this.#chunk[this.#position] ?? 0) >> 4 === PacketType.disconnect;
  }

  /** Missing bytes of the packet in pieces; 0: no such packet, or its length is incomplete too. */
  get awaited(): number {
    if (this.#pieces.gathered === 0) return 0;
    const found = this.#readHeader(this.#pieces.bytes, 0, this.#pieces.gathered);
    return found === null ? this.#end - this.#pieces.gathered : 0;
  }

  /** What has arrived of the packet in pieces; null: there is none. */
  get incomplete(): IncompletePacket | null {
    if (this.#pieces.gathered === 0) return null;
    const isSized = this.#readHeader(this.#pieces.bytes, 0, this.#pieces.gathered) === null;
    return {
      type: packetName(this.#pieces.bytes[0] ?? 0),
      bytes: this.#pieces.gathered,
      size: isSized ? this.#end : null,
    };
  }

  /** When bytes of its incomplete packet last came, by its owner's clock. */
  get grownAt(): number {
    return this.#pieces.grownAt;
  }

  /** Set it while a packet is `incomplete`. */
  set grownAt(now: number) {
    this.#pieces.grownAt = now;
  }

  /** Its incomplete packet asks for more memory: it is being read, and can't be discarded. */
  get isGrowing(): boolean {
    return this.#pieces.isGrowing;
  }

  /** The reader keeps the chunk, and packets may refer to it. */
  feed(chunk: Uint8Array): void {
    if (this.#failed) return;
    // Code that keeps a payload relies on `slice` copying, but a Buffer's `slice` returns a view.
    const bytes =
      chunk.constructor === Uint8Array
        ? chunk
        : new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (this.#position === this.#chunk.length && this.#waiting.length === 0) {
      this.#chunk = bytes;
      this.#position = 0;
    } else {
      if (this.#waiting === noChunks) this.#waiting = [];
      this.#waiting.push(bytes);
    }
  }

  /** The next packet; null: it needs more bytes, or a violation came before. */
  next(): ClientPacket | WireViolation | null {
    while (!this.#failed && this.#hasBytes()) {
      const whole = this.#pieces.gathered === 0 ? this.#findInPlace() : this.#gather();
      if (whole === "incomplete") continue;
      if (whole !== null) return this.#fail(whole);
      return this.#read(this.#pieces.gathered === 0 ? this.#chunk : this.#takePieces());
    }
    return null;
  }

  /**
   * The acknowledgements that come next, if there are several of one type: a cheaper `next` for
   * them; null: call `next`.
   */
  nextAcks(): AckRun | null {
    // After CONNECT, and between two packets.
    if (this.version === null || this.#pieces.gathered > 0) return null;
    const run = readAckRun(this.#chunk, this.#position);
    if (run !== null) this.#position += ackRunSize(run);
    return run;
  }

  /**
   * The PUBLISHes that come next, if there are several that are alike; null: call `next`. They stay
   * unread: call `takeRun` or `leaveRun`.
   */
  nextRun(): PublishRun | null {
    const { version } = this;
    if (version === null || this.#pieces.gathered > 0) return null;
    const chunk = this.#chunk;
    const start = this.#position;
    if (!beginsRun(chunk, start)) return null;
    this.#topics ??= new TopicNames(this.#options.unfinished);
    this.#runs ??= new PublishRuns();
    return this.#runs.read(chunk, start, version, this.#packetSize, this.#topics);
  }

  /** So many packets of the run are read. */
  takeRun(run: PublishRun, count: number): void {
    this.#runs?.take(run, count);
    this.#position = run.bounds[count]!;
  }

  /** `next` is to read the packets of the run. */
  leaveRun(run: PublishRun): void {
    this.#runs?.leave(run);
  }

  /** Stops reading and releases the unread bytes. */
  discard(): void {
    this.#chunk = stopped;
    this.#runs = null;
    this.#position = 0;
    this.#waiting.length = 0;
    this.#takePieces();
    this.#topics?.clear();
  }

  #takePieces(): Uint8Array {
    const bytes = this.#pieces.take();
    this.#pieces = noPieces;
    return bytes;
  }

  /** Moves to the next chunk if the current one is used up. False: no bytes left. */
  #hasBytes(): boolean {
    while (this.#position === this.#chunk.length) {
      this.#chunk = this.#waiting.shift() ?? nothing;
      this.#position = 0;
      this.#runs?.endChunk();
      if (this.#chunk === nothing) return false;
    }
    return true;
  }

  /** Looks for a whole packet at #position; starts gathering if only part of it has arrived. */
  #findInPlace(): "incomplete" | ProtocolError | null {
    const chunk = this.#chunk;
    const found = this.#readHeader(chunk, this.#position, chunk.length);
    if (found !== null && found !== "incomplete") return found;
    if (found === null && this.#end <= chunk.length) {
      this.#position = this.#end;
      return null;
    }
    // Without a complete header, only the rest of the chunk is known to be needed.
    const size = found === null ? this.#end - this.#start : headerMaximumSize;
    const rest = chunk.length - this.#position;
    this.#pieces = new Pieces(this.#options.unfinished);
    const full = this.#pieces.begin(size, rest);
    return full === null ? this.#append(rest) : tooManyUnfinished(this.version, full);
  }

  /** Appends the packet's bytes in the chunk to #pieces. */
  #gather(): "incomplete" | ProtocolError | null {
    // The header's own bytes decide its length, so append them one by one.
    let found = this.#readHeader(this.#pieces.bytes, 0, this.#pieces.gathered);
    while (found === "incomplete") {
      if (!this.#hasBytes()) return "incomplete";
      const appended = this.#append(1);
      if (appended !== "incomplete") return appended;
      found = this.#readHeader(this.#pieces.bytes, 0, this.#pieces.gathered);
    }
    if (found !== null) return found;
    const rest = this.#chunk.length - this.#position;
    const appended = this.#append(Math.min(this.#end - this.#pieces.gathered, rest));
    if (appended !== "incomplete") return appended;
    return this.#pieces.gathered < this.#end ? "incomplete" : null;
  }

  /** Moves bytes of the chunk to the packet in pieces. */
  #append(count: number): "incomplete" | ProtocolError {
    const whole = Math.max(this.#end, headerMaximumSize);
    const full = this.#pieces.append(this.#chunk, this.#position, count, whole);
    if (full !== null) return tooManyUnfinished(this.version, full);
    this.#position += count;
    return "incomplete";
  }

  /**
   * Reads the fixed header at bytes[start..available) into #start, #body and #end. Refuses here
   * whatever the header alone proves wrong, before any memory is taken.
   */
  #readHeader(
    bytes: Uint8Array,
    start: number,
    available: number,
  ): "incomplete" | ProtocolError | null {
    const first = bytes[start] ?? 0;
    const { version } = this;
    if (version === null || first >> 4 !== PacketType.publish) {
      const found = headerViolation(bytes, start, available, version);
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
    if (version === null) return this.#checkConnectSize(size, bytes, at, available);
    const isPublish = first >> 4 === PacketType.publish;
    if (size <= (isPublish ? this.#packetSize : this.#controlPacketSize)) return null;
    if (isPublish || size > this.#packetSize) return tooLarge(size, this.#packetSize);
    return tooLargeForControl(size, this.#controlPacketSize);
  }

  /** Checks the size of the first packet, a CONNECT, whose body begins at `body`. */
  #checkConnectSize(
    size: number,
    bytes: Uint8Array,
    body: number,
    available: number,
  ): "incomplete" | ProtocolError | null {
    if (size <= this.#connectSize) return null;
    this.#learnVersion(bytes, body, available);
    // The form of a refusal depends on the level, which may not have arrived yet.
    const isKnown = this.version !== null || available - body >= levelEnd;
    if (!isKnown && available < this.#end) return "incomplete";
    this.#learnClientId(bytes, body, Math.min(available, this.#end, body + claimBytes));
    if (size > this.#packetSize) return tooLarge(size, this.#packetSize);
    if (size > this.#controlPacketSize) return tooLargeForControl(size, this.#controlPacketSize);
    return tooLargeForConnect(size, this.#connectSize);
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
        this.#topics ??= new TopicNames(this.#options.unfinished);
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
      case PacketType.subscribe:
        return readSubscribe(bytes, body, end, version, this.#options.filters ?? Infinity);
      case PacketType.unsubscribe:
        return readUnsubscribe(bytes, body, end, version, this.#options.filters ?? Infinity);
      case PacketType.disconnect:
        return readDisconnect(new Cursor(bytes, body, end, version));
      default:
        return readAuth(new Cursor(bytes, body, end, version));
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
    if ("type" in packet) return packet;
    this.#learnClientId(bytes, body, end);
    const found = foreignProtocol(bytes, start, bytes.length);
    return found === "" ? packet : { ...packet, detail: `no CONNECT${found}` };
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
    // The header check could not reject this: the version, v5, was not known yet.
    if (version === 5 && body - start > 2 && bytes[body - 1] === 0) return wastefulLength();
    return readConnect(bytes, body, end, version, this.#options.takesInvalidWill ?? false);
  }

  #fail(error: ProtocolError): WireViolation {
    this.discard();
    return { type: "violation", error, version: this.version, clientId: this.#claimedClientId };
  }
}

function isCounted(options: PacketReaderOptions): options is CountedReaderOptions {
  return options.unfinished !== undefined;
}
