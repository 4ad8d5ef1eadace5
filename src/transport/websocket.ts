import type { Loss } from "../core/end-causes.ts";
import { CloseCode } from "../websocket/close-code.ts";
import { FrameReader } from "../websocket/frame-reader.ts";
import { closeFrame, controlFrame, serverHeader } from "../websocket/frames.ts";
import { answerUpgrade, type UpgradePolicy } from "../websocket/handshake.ts";
import { HeadReader } from "../websocket/http-head.ts";
import { protocolAt } from "../wire/foreign-protocol.ts";
import { FrameTurns } from "./frame-turns.ts";
import { LinkAbove, transportOn } from "./link-above.ts";
import type { TransportLimits } from "./transport-limits.ts";
import type { Link, LinkEvents, Transport } from "./transport.ts";

export interface WebSocketOptions extends UpgradePolicy {
  /** Those in force. The packet size is that of the moment at which a connection opens. */
  readonly limits: () => Omit<TransportLimits, "drainedBytes">;
  /** Runs `work` in the next turn of the loop, after the loop has read its sockets. */
  readonly soon: (work: () => void) => void;
}

/** MQTT over WebSocket (RFC 6455) on the connections of another transport. */
export function webSocket(below: Transport, options: WebSocketOptions): Transport {
  return transportOn(below, (events) => {
    const turns = new FrameTurns(options.soon, () => options.limits().webSocketBytes);
    const origin: Origin = { events, options, turns, scratch: new Uint8Array(scratchBytes) };
    return (link) => new WebSocketLink(link, origin);
  });
}

/** A frame of up to this size, header included, takes one call to write. */
const scratchBytes = 16 * 1024;
const headerMaxBytes = 14;
/** A client may put more than one packet into a frame; bytes. */
const frameMargin = 64 * 1024;
/** Bytes that are read between two looks at the budget of the turn, and at that of a slice. */
const partBytes = 8 * 1024;
const slicePartBytes = 1024;

/** Memory of a connection's link and readers, bytes. Measured: `scripts/holdings.ts` compares. */
const webSocketBytes = 4000;

const nothing = new Uint8Array(0);

/** State shared by all links of one listener. */
interface Origin {
  readonly events: LinkEvents;
  readonly options: WebSocketOptions;
  readonly turns: FrameTurns;
  /** Where the header of a frame and its payload meet. */
  readonly scratch: Uint8Array;
}

/**
 * handshake > open > over. `over` by the peer, by `end`, by `reset`, or since the peer broke a rule:
 * that is reported, and the connection stays until `end`.
 */
type LinkState = "handshake" | "open" | "over";

class WebSocketLink extends LinkAbove {
  readonly #origin: Origin;
  #state: LinkState = "handshake";
  readonly #head = new HeadReader();
  readonly #frames: FrameReader;
  /** Arrived, and left for a later turn. */
  #rest: Uint8Array[] = [];
  /** The turns know that. */
  #hasTurn = false;
  /** Bytes of #rest that the turns have counted. */
  #counted = 0;
  /** Of what has arrived at once: how many more frames were read than bytes in them. */
  #bareFrames = 0;
  /** How the link below ended behind #rest. */
  #end: { readonly how: Loss; readonly detail: string | undefined } | null = null;
  /** By order of `pause`. */
  #isPaused = false;
  /** Bytes to write before all others: what is left of a header, a control frame or an answer. */
  #ahead: Uint8Array = nothing;
  /** Payload that the last header announced and that is not written yet; bytes. */
  #frameLeft = 0;
  #isBlocked = false;

  constructor(below: Link, origin: Origin) {
    super(below);
    this.#origin = origin;
    this.#frames = new FrameReader(true, origin.options.limits().packetSize + frameMargin);
  }

  override get preparing(): string | null {
    const isPreparing = this.#state === "handshake";
    return this.below.preparing ?? (isPreparing ? "WebSocket handshake" : null);
  }

  override get ownBytes(): number {
    return webSocketBytes + super.ownBytes;
  }

  override get held(): number {
    return this.#head.held + this.#frames.held + this.#restBytes;
  }

  get #restBytes(): number {
    let bytes = 0;
    for (const chunk of this.#rest) bytes += chunk.length;
    return bytes;
  }

  #countRest(): void {
    const bytes = this.#restBytes;
    this.#origin.turns.hold(bytes - this.#counted);
    this.#counted = bytes;
  }

  override get isBehind(): boolean {
    return this.#rest.length > 0 || this.below.isBehind === true;
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.#state !== "open") return -1;
    const taken = this.#writeFrames(bytes, start, end);
    if (taken >= 0 && taken < end - start) this.#isBlocked = true;
    else if (this.#frames.ping !== null) this.#answerPing();
    return taken;
  }

  /** Continues the frame that has begun; the bytes behind it are one further frame. */
  #writeFrames(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#writeAhead()) {
      const isBegun = this.#frameLeft > 0;
      const most = isBegun ? this.#frameLeft : scratchBytes - headerMaxBytes;
      const to = Math.min(end, at + most);
      const taken = isBegun
        ? this.below.write(bytes, at, to)
        : this.#beginFrame(bytes.subarray(at, end), to - at);
      if (taken < 0) return -1;
      this.#frameLeft -= taken;
      at += taken;
      if (at < to) break;
    }
    return at - start;
  }

  /** Writes a header and the first `most` bytes of its payload. Returns how many of those were taken. */
  #beginFrame(payload: Uint8Array, most: number): number {
    const { scratch } = this.#origin;
    const header = serverHeader(payload);
    scratch.set(header);
    scratch.set(payload.subarray(0, most), header.length);
    const taken = this.below.write(scratch, 0, header.length + most);
    if (taken < 0) return taken;
    this.#frameLeft = payload.length;
    if (taken >= header.length) return taken - header.length;
    this.#ahead = new Uint8Array(header.subarray(taken));
    return 0;
  }

  /** False: the link below is full. */
  #writeAhead(): boolean {
    const { length } = this.#ahead;
    if (length === 0) return true;
    const taken = this.below.write(this.#ahead, 0, length);
    // The link below has ended: nothing waits any more.
    this.#ahead = taken < 0 ? nothing : this.#ahead.subarray(taken);
    return this.#ahead.length === 0;
  }

  /** Writes an answer or a control frame; what the link below does not take waits. */
  #send(bytes: Uint8Array): void {
    this.#ahead = bytes;
    this.#writeAhead();
  }

  override pause(): void {
    this.#isPaused = true;
    this.below.pause();
  }

  override resume(): void {
    this.#isPaused = false;
    if (this.#rest.length === 0) this.below.resume();
  }

  /** Within a frame of which a part is written, no Close frame can stand. */
  end(onClosed?: () => void): void {
    if (this.#state === "open") this.#sendClose(CloseCode.normal);
    this.#finish();
    this.below.end(onClosed);
  }

  reset(): void {
    this.#finish();
    this.below.reset();
  }

  #finish(): void {
    this.#state = "over";
    this.#rest = [];
    this.#countRest();
  }

  #sendClose(code: number | null): void {
    if (this.#frameLeft === 0 && this.#writeAhead()) this.#send(closeFrame(code, false));
  }

  received(chunk: Uint8Array): void {
    if (this.#state === "over") return;
    if (this.#state === "handshake") return this.#readHead(chunk);
    if (this.#rest.length === 0) return this.#read(chunk);
    this.#rest.push(chunk);
    this.#countRest();
  }

  writable(): void {
    if (!this.#writeAhead() || this.#state !== "open") return;
    this.#answerPing();
    if (!this.#isBlocked) return;
    this.#isBlocked = false;
    this.#origin.events.drained(this);
  }

  closedBelow(how: Loss, detail: string | undefined): void {
    if (this.#state === "over") return;
    if (this.#rest.length > 0) this.#end = { how, detail };
    else this.#over(how, detail);
  }

  /** The turns call this. */
  readOn(frames: number): boolean {
    const chunk = this.#rest.shift();
    if (chunk !== undefined) this.#read(chunk, frames);
    this.#countRest();
    if (this.#rest.length > 0) return true;
    this.#hasTurn = false;
    if (this.isOver) return false;
    if (!this.#isPaused) this.below.resume();
    if (this.#end !== null) this.#over(this.#end.how, this.#end.detail);
    return false;
  }

  /** The turns call this, of a link that waits. */
  giveUp(): void {
    if (this.isOver) return;
    const detail = "more WebSocket frames wait than limits.webSocketBytes allows";
    this.#fail(CloseCode.policy, "webSocketFailed", detail);
  }

  #fail(code: number, how: Loss, detail: string): void {
    this.#sendClose(code);
    this.#over(how, detail);
  }

  #over(how: Loss, detail?: string): void {
    this.#finish();
    this.#origin.events.closed(this, how, detail);
  }

  #readHead(chunk: Uint8Array): void {
    const { events, options } = this.#origin;
    const foreign = this.#head.held === 0 ? foreignTo(chunk) : null;
    if (foreign !== null) {
      return this.#over("webSocketFailed", `${foreign}, and this listener takes WebSocket only`);
    }
    const found = this.#head.feed(chunk);
    if (found === null) return events.data(this, nothing);
    const { answer, refusal } = answerUpgrade(found.head, options);
    this.#send(Buffer.from(answer));
    if (refusal !== null) return this.#over("webSocketFailed", refusal);
    this.#state = "open";
    this.#read(found.rest);
  }

  /**
   * Reads as many frames of the chunk as the turn allows, and not many more than `slice`, and hands on
   * their payloads together: packets and frames need not align [v4-6.0.0-2] [v5-6.0.0-2].
   */
  #read(chunk: Uint8Array, slice = Infinity): void {
    const { events, turns, options } = this.#origin;
    const frames = this.#frames;
    const most = slice === Infinity ? partBytes : slicePartBytes;
    frames.begin(chunk);
    let at = 0;
    let count = 0;
    while (at < chunk.length && count < slice && !frames.isOver && !turns.isOver) {
      const to = Math.min(chunk.length, at + most);
      const here = frames.read(at, to);
      turns.spend(here);
      count += here;
      at = to;
    }
    const payloads = frames.take();
    this.#bareFrames = Math.max(0, this.#bareFrames + count - payloads.length);
    const isFlood = this.#bareFrames > options.limits().webSocketEmptyFrames;
    if (at < chunk.length && !frames.isOver && !isFlood) this.#keep(chunk.subarray(at));
    if (this.#rest.length === 0) this.#bareFrames = 0;
    // Without payloads too: the driver counts what the link holds.
    events.data(this, payloads);
    if (this.isOver) return;
    this.#answerPing();
    if (frames.violation !== null) {
      const { code, loss, detail } = frames.violation;
      return this.#fail(code, loss, detail);
    }
    if (isFlood) {
      const detail =
        "a flood of WebSocket frames without a byte in them, such as Pings (limits.webSocketEmptyFrames)";
      return this.#fail(CloseCode.policy, "webSocketFailed", detail);
    }
    if (frames.close === null) return;
    this.#sendClose(frames.close.code);
    this.#over("webSocketClosed", frames.close.text);
  }

  /** Leaves bytes for a later turn; until then nothing more is read. */
  #keep(chunk: Uint8Array): void {
    this.#rest.unshift(chunk);
    this.#countRest();
    if (this.#hasTurn) return;
    this.#hasTurn = true;
    this.below.pause();
    this.#origin.turns.add(this);
  }

  get isOver(): boolean {
    return this.#state === "over";
  }

  /** Between two frames; within one, the end of the frame comes first. */
  #answerPing(): void {
    const { ping } = this.#frames;
    if (ping === null || this.#frameLeft > 0 || !this.#writeAhead()) return;
    this.#frames.ping = null;
    this.#send(controlFrame("pong", ping, false));
  }
}

/** What the first bytes of a connection are, if they begin no HTTP request; null: they may. */
function foreignTo(chunk: Uint8Array): string | null {
  const found = protocolAt(chunk, 0, chunk.length);
  if (found !== null) return found.isHttp ? null : found.what;
  const first = chunk[0] ?? 0;
  if (first === connectByte) return "an MQTT CONNECT";
  return first >= letterA && first <= letterZ ? null : "bytes that are no HTTP request";
}

const connectByte = 0x10;
const [letterA, letterZ] = [0x41, 0x5a];
