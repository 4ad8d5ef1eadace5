import { CloseCode } from "../websocket/close-code.ts";
import { closeFrame, clientFrame, controlFrame } from "../websocket/frames.ts";
import { FrameReader, type PeerClose } from "../websocket/frame-reader.ts";
import { type UpgradeRequest, upgradeRequest } from "../websocket/handshake.ts";
import { HeadReader } from "../websocket/http-head.ts";
import { DialError } from "./dial-error.ts";
import { authorityOf, type Target } from "./target.ts";
import type { OpeningEvents, OpeningWire, WebSocketVerbs, WireEnd } from "./wire.ts";

/** Bytes. A frame may hold many packets, whose size the client limits by itself. */
const frameMaxBytes = 16 * 1024 * 1024;
/** How long the broker may take to answer a Close frame and to end the connection. */
const closingMs = 2000;
const nothing = new Uint8Array(0);

/** A WebSocket on top of a socket or of TLS: each `send` is one binary frame. */
export class WebSocketWire implements OpeningWire, WebSocketVerbs {
  readonly #above: OpeningEvents;
  readonly #below: OpeningWire;
  readonly #request: UpgradeRequest;
  readonly #head = new HeadReader();
  readonly #frames = new FrameReader(false, frameMaxBytes);
  #isBelowOpen = false;
  #isSilent = false;
  /** `closing`: a Close frame was sent, nothing may follow it, and the broker's own is awaited. */
  #state: "opening" | "open" | "closing" | "over" = "opening";
  #closing: ReturnType<typeof setTimeout> | null = null;

  constructor(target: Target, above: OpeningEvents, below: (events: OpeningEvents) => OpeningWire) {
    this.#above = above;
    this.#request = upgradeRequest(authorityOf(target), target.path, "mqtt");
    this.#below = below({
      opened: () => {
        this.#isBelowOpen = true;
        this.#below.send(Buffer.from(this.#request.head, "latin1"));
      },
      failed: (error) => {
        if (this.#over()) above.failed(error);
      },
      data: (chunk) => this.#data(chunk),
      closed: (how, why) => this.#belowClosed(how, why),
    });
  }

  get awaited(): string {
    return this.#isBelowOpen ? "answer to the HTTP upgrade" : this.#below.awaited;
  }

  get webSocket(): WebSocketVerbs {
    return this;
  }

  send(bytes: Uint8Array): void {
    if (this.#state === "open") this.#below.send(clientFrame(bytes));
  }

  end(): void {
    if (this.#state === "open") this.#below.send(closeFrame(CloseCode.normal, true));
    if (this.#over()) this.#below.end();
  }

  cut(): void {
    if (this.#over()) this.#below.cut();
  }

  reset(): void {
    if (this.#over()) this.#below.reset();
  }

  pause(): void {
    this.#below.pause();
  }

  resume(): void {
    this.#below.resume();
  }

  async flushed(): Promise<void> {
    return this.#below.flushed();
  }

  get gone(): Promise<void> {
    return this.#below.gone;
  }

  silence(): void {
    this.#isSilent = true;
  }

  ping(): void {
    if (this.#state === "open") this.#below.send(controlFrame("ping", nothing, true));
  }

  close(code: number | null): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#below.send(closeFrame(code, true));
    this.#closing = setTimeout(() => this.end(), closingMs);
  }

  /** Whether it was not over before. */
  #over(): boolean {
    if (this.#state === "over") return false;
    this.#state = "over";
    if (this.#closing !== null) clearTimeout(this.#closing);
    return true;
  }

  #data(chunk: Uint8Array): void {
    if (this.#state === "opening") return this.#answered(chunk);
    if (this.#state === "over") return;
    const frames = this.#frames;
    frames.begin(chunk);
    frames.read(0, chunk.length);
    const payloads = frames.take();
    if (this.#state === "open" && payloads.length > 0) this.#above.data(payloads);
    if (frames.ping !== null && this.#state === "open" && !this.#isSilent) {
      this.#below.send(controlFrame("pong", frames.ping, true));
    }
    frames.ping = null;
    if (frames.violation !== null) this.#broken(frames.violation.detail);
    else if (frames.close !== null) this.#closed(frames.close);
  }

  #answered(chunk: Uint8Array): void {
    const answer = this.#head.feed(chunk);
    if (answer === null) return;
    const refused = this.#request.refused(answer.head);
    if (refused !== null) {
      this.reset();
      return this.#above.failed(new DialError("WS_REFUSED", refused));
    }
    this.#state = "open";
    this.#above.opened();
    if (answer.rest.length > 0) this.#data(answer.rest);
  }

  #broken(detail: string): void {
    const isTold = this.#state === "open";
    this.reset();
    if (isTold) this.#above.closed("malformed", detail);
  }

  /** The broker's Close frame: an answer to the client's, or to be answered (RFC 6455, 5.5.1). */
  #closed({ code, text }: PeerClose): void {
    const isTold = this.#state === "open";
    if (isTold) this.#below.send(closeFrame(code, true));
    if (this.#over()) this.#below.end();
    if (isTold) this.#above.closed("eof", `WebSocket Close ${text}`);
  }

  #belowClosed(how: WireEnd, why?: string): void {
    const state = this.#state;
    if (!this.#over()) return;
    if (state === "open") this.#above.closed(how, why);
    else if (state === "opening") {
      const end = how === "eof" ? "closed" : "reset";
      const said = why === undefined ? "" : `: ${why}`;
      const message = `the connection was ${end} before an answer to the HTTP upgrade${said}`;
      this.#above.failed(new DialError("WS_NONE", message));
    }
  }
}
