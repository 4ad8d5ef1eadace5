import { connect, type NetConnectOpts, type Socket } from "node:net";
import { errorCode } from "../log/system-error.ts";
import { DialError } from "./dial-error.ts";
import type { Target } from "./target.ts";
import type { OpeningEvents, OpeningWire, WireEnd } from "./wire.ts";

/**
 * TCP waits in a full queue of connections; a unix socket's has to be tried again. So often, and not
 * until a moment: this process may stand still meanwhile.
 */
const triesMax = 100;
const againMs = 10;

/** A socket of the system: TCP, or a unix socket. */
export class SocketWire implements OpeningWire {
  readonly awaited = "answer";
  readonly webSocket = null;
  #socket: Socket;
  readonly #place: NetConnectOpts;
  readonly #above: OpeningEvents;
  readonly #isUnix: boolean;
  #tries = 0;
  #isOpen = false;
  #isOver = false;
  /** Writes that the system has not taken yet. */
  #unwritten = 0;
  #flushing: (() => void)[] = [];
  readonly gone: Promise<void>;
  #goneNow: () => void = () => {};

  constructor({ transport, host, port, path }: Target, above: OpeningEvents) {
    this.#above = above;
    this.#isUnix = transport === "unix";
    this.#place = this.#isUnix ? { path } : { host, port, noDelay: true };
    this.gone = new Promise((resolve) => {
      this.#goneNow = resolve;
    });
    this.#socket = this.#connect();
  }

  #connect(): Socket {
    this.#tries += 1;
    const socket = connect(this.#place);
    socket.once("connect", () => {
      this.#isOpen = true;
      // After a `reset` meanwhile nobody waits for it.
      if (!this.#isOver) this.#above.opened();
    });
    socket.on("data", (chunk: Uint8Array) => {
      if (!this.#isOver) this.#above.data(chunk);
    });
    socket.on("end", () => this.#close("eof"));
    socket.on("error", (error) => {
      if (this.#isOpen) this.#close(errorCode(error) === "ETIMEDOUT" ? "timeout" : "reset");
      else if (this.#isQueueFull(error)) setTimeout(() => this.#again(), againMs);
      else this.#fail(error);
    });
    socket.on("close", () => {
      if (!this.#isOpen && !this.#isOver) return;
      this.#close("eof");
      this.#allWritten();
      this.#goneNow();
    });
    return socket;
  }

  /** Whether a unix socket has as many connections waiting as it takes. */
  #isQueueFull(error: Error): boolean {
    // Bun tells EAGAIN as ECONNREFUSED, which a socket without a listener gives, too.
    const mayBeFull = ["EAGAIN", "ECONNREFUSED"].includes(errorCode(error) ?? "");
    return this.#isUnix && mayBeFull && this.#tries < triesMax;
  }

  #again(): void {
    if (!this.#isOver) this.#socket = this.#connect();
  }

  send(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#unwritten += 1;
    this.#socket.write(bytes, () => {
      this.#unwritten -= 1;
      if (this.#unwritten === 0) this.#allWritten();
    });
  }

  async flushed(): Promise<void> {
    if (this.#unwritten === 0 || this.#socket.destroyed) return;
    return new Promise((resolve) => this.#flushing.push(resolve));
  }

  #allWritten(): void {
    const waiting = this.#flushing;
    this.#flushing = [];
    for (const resolve of waiting) resolve();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.end();
    // Read and drop the rest: closing with unread data would send RST instead of FIN.
    this.#socket.resume();
  }

  cut(): void {
    this.end();
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#isUnix) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  silence(): void {}

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#above.failed(new DialError(errorCode(error) ?? "EUNKNOWN", error.message));
  }

  #close(how: WireEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.destroy();
    this.#above.closed(how);
  }
}
