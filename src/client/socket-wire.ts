import { connect, type Socket } from "node:net";
import { errorCode } from "../log/system-error.ts";
import { DialError } from "./dial-error.ts";
import type { Target } from "./target.ts";
import type { OpeningEvents, OpeningWire, WireEnd } from "./wire.ts";

/** A socket of the system: TCP, or a unix socket. */
export class SocketWire implements OpeningWire {
  readonly awaited = "answer";
  readonly webSocket = null;
  readonly #socket: Socket;
  readonly #above: OpeningEvents;
  readonly #isUnix: boolean;
  #isOpen = false;
  #isOver = false;

  constructor({ transport, host, port, path }: Target, above: OpeningEvents) {
    this.#above = above;
    this.#isUnix = transport === "unix";
    this.#socket = connect(this.#isUnix ? { path } : { host, port, noDelay: true });
    this.#socket.once("connect", () => {
      this.#isOpen = true;
      // After a `reset` meanwhile nobody waits for it.
      if (!this.#isOver) above.opened();
    });
    this.#socket.on("data", (chunk: Uint8Array) => {
      if (!this.#isOver) above.data(chunk);
    });
    this.#socket.on("end", () => this.#close("eof"));
    this.#socket.on("error", (error) => {
      if (this.#isOpen) this.#close(errorCode(error) === "ETIMEDOUT" ? "timeout" : "reset");
      else this.#fail(error);
    });
    this.#socket.on("close", () => this.#close("eof"));
  }

  send(bytes: Uint8Array): void {
    if (!this.#isOver) this.#socket.write(bytes);
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
