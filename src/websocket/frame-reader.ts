import { Receiver } from "websocket-frames";
import { assert } from "../core/assert.ts";
import type { Loss } from "../core/end-causes.ts";
import { CloseCode, closeName } from "./close-code.ts";
import { unmask } from "./mask.ts";

/** What the peer broke. */
export interface FrameViolation {
  /** The status of the Close frame that answers it. */
  readonly code: number;
  readonly loss: Loss & ("webSocketFailed" | "textFrame" | "frameTooLarge");
  /** A clause for the log, without bytes of the peer. */
  readonly detail: string;
}

/** The peer's Close frame. */
export interface PeerClose {
  /** Null: it gives none. */
  readonly code: number | null;
  /** `1001, going away`. */
  readonly text: string;
}

const opcodes = { binary: 2, close: 8 } as const;
const nothing = new Uint8Array(0);

/**
 * Takes the frames of one direction apart, with the reader of `ws`, which checks every header. That
 * one keeps a message until its last frame has arrived; this one hands on each part of a payload as
 * it arrives, so that MQTT's own limits apply to it, and keeps no more than an incomplete header or
 * control frame.
 *
 * Call `begin` with a chunk, `read` for one part of it after another, then `take`.
 */
export class FrameReader extends Receiver {
  /** The last Ping, unless it was answered: the RFC lets earlier ones go unanswered (5.5.3). */
  ping: Uint8Array | null = null;
  /** The reader ignores what follows it. */
  close: PeerClose | null = null;
  /** The reader ignores what follows it. */
  violation: FrameViolation | null = null;

  #chunk: Uint8Array = nothing;
  /** The payloads of #chunk stand together before this offset. */
  #end = 0;
  /** A payload is incomplete: its mask, and how much of it came before. */
  #isInPayload = false;
  readonly #mask = new Uint8Array(4);
  #phase = 0;
  #frames = 0;
  readonly #done = (error?: Error): void => {
    if (error !== undefined) this.violation = violationOf(error);
  };

  /** `isServer`: the peer has to mask its frames. A frame of more than `frameMaxBytes` is refused. */
  constructor(isServer: boolean, frameMaxBytes: number) {
    super({ isServer, maxPayload: Math.min(frameMaxBytes, 2 ** 31 - 1) });
    this.on("ping", (payload) => {
      this.#frames += 1;
      this.ping = new Uint8Array(payload);
    });
    this.on("pong", () => {
      this.#frames += 1;
    });
    this.on("conclude", (code) => {
      this.close = { code: code === CloseCode.none ? null : code, text: closeName(code) };
    });
  }

  /** Nothing that follows is read. */
  get isOver(): boolean {
    return this.close !== null || this.violation !== null;
  }

  /** Bytes of an incomplete header or control frame. */
  get held(): number {
    return this._bufferedBytes;
  }

  /** Takes a chunk, in whose memory the payloads are unmasked and moved together. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#end = 0;
  }

  /** Reads chunk[start..end). Returns how many frames began there. */
  read(start: number, end: number): number {
    if (this.isOver) return 0;
    this.#frames = 0;
    const { buffer, byteOffset } = this.#chunk;
    this._write(Buffer.from(buffer, byteOffset + start, end - start), "buffer", this.#done);
    if (this._bufferedBytes > 0 && !this.isOver) this.#keepRest();
    return this.#frames;
  }

  /** The payloads that were read, one after the other. */
  take(): Uint8Array {
    const payloads = this.#chunk.subarray(0, this.#end);
    this.#chunk = nothing;
    return payloads;
  }

  protected override getData(done: (error?: Error) => void): void {
    if (this._opcode >= opcodes.close) return super.getData(done);
    // [v4-6.0.0-1] [v5-6.0.0-1]
    if (this._opcode !== opcodes.binary) {
      return done(this.createError(Error, "", false, CloseCode.unsupported, notBinary));
    }
    if (!this.#isInPayload) this.#beginPayload();
    const arrived = Math.min(this._bufferedBytes, this._payloadLength);
    if (arrived > 0) this.#append(this.consume(arrived));
    this._payloadLength -= arrived;
    if (this._payloadLength > 0) {
      this._loop = false;
      return;
    }
    this.#isInPayload = false;
    // The limit is one of a frame: nothing of a message is kept.
    this._totalPayloadLength = 0;
    this.dataMessage(done);
  }

  /** Copies the mask: as a view it would keep its whole chunk in memory. */
  #beginPayload(): void {
    this.#frames += 1;
    this.#isInPayload = true;
    this.#phase = 0;
    if (this._mask === undefined) this.#mask.fill(0);
    else this.#mask.set(this._mask);
    this._mask = undefined;
  }

  #append(masked: Uint8Array): void {
    const start = this.#end;
    this.#end += masked.length;
    assert(this.#end <= this.#chunk.length, "payloads are shorter than their frames");
    unmask(masked, this.#chunk, start, this.#mask, this.#phase);
    this.#phase = (this.#phase + masked.length) & 3;
  }

  /** Copies the beginning of a header or control frame: as a view it would keep its whole chunk. */
  #keepRest(): void {
    const rest = Buffer.from(this.consume(this._bufferedBytes));
    if (this._mask !== undefined) this._mask = new Uint8Array(this._mask);
    this._write(rest, "buffer", this.#done);
  }
}

const notBinary = "NOT_BINARY";

/** The errors of `ws` by their codes, which it documents, in our words. */
const violations: Readonly<Record<string, FrameViolation>> = {
  [notBinary]: {
    code: CloseCode.unsupported,
    loss: "textFrame",
    detail: "a WebSocket text frame, where MQTT takes binary ones only",
  },
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: {
    code: CloseCode.tooBig,
    loss: "frameTooLarge",
    detail: "a WebSocket frame above the size of a packet",
  },
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: {
    code: CloseCode.tooBig,
    loss: "frameTooLarge",
    detail: "a WebSocket frame of more than 2^53 bytes",
  },
  WS_ERR_EXPECTED_MASK: broken("a frame without a mask"),
  WS_ERR_UNEXPECTED_MASK: broken("a frame with a mask"),
  WS_ERR_UNEXPECTED_RSV_1: broken("a compressed frame, and no compression was agreed on"),
  WS_ERR_UNEXPECTED_RSV_2_3: broken("a frame with a reserved bit"),
  WS_ERR_INVALID_OPCODE: broken("a frame with an opcode that may not stand there"),
  WS_ERR_EXPECTED_FIN: broken("a fragmented control frame"),
  WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH: broken("a control frame of an invalid length"),
  WS_ERR_INVALID_CLOSE_CODE: broken("a Close frame with an invalid status"),
  WS_ERR_INVALID_UTF8: {
    ...broken("a Close frame whose reason is no UTF-8"),
    code: CloseCode.invalidPayload,
  },
};

function broken(detail: string): FrameViolation {
  return { code: CloseCode.protocolError, loss: "webSocketFailed", detail };
}

function violationOf(error: Error): FrameViolation {
  const name = "code" in error && typeof error.code === "string" ? error.code : "";
  const found = violations[name];
  // Not the peer's: a fault of this program.
  if (found === undefined) throw error;
  return found;
}
