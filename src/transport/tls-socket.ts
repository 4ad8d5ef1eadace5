import { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { certificateText } from "./tls-failure.ts";
import { TlsRecords } from "./tls-records.ts";
import type { Link } from "./transport.ts";

/** Keeps which certificate the client has shown: a refused one is gone when the error is told. */
export class ServerSocket extends TLSSocket {
  shown: string | null = null;

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (error !== null) this.shown = certificateText(this.getPeerCertificate());
    super._destroy(error, done);
  }
}

/** The stream of encrypted bytes between the TLS library and the link below. */
export class Pipe extends Duplex {
  readonly #below: Link;
  readonly #onEnd: () => void;
  #waiting: { readonly bytes: Uint8Array; readonly written: () => void } | null = null;
  readonly records = new TlsRecords();
  /** A write met the end of the link below, which is told later. */
  isBroken = false;

  constructor(below: Link, onEnd: () => void) {
    super({ readableHighWaterMark: 1024 * 1024 });
    this.#below = below;
    this.#onEnd = onEnd;
    // The link below tells of its end.
    this.on("error", () => {});
  }

  received(chunk: Uint8Array): void {
    this.records.follow(chunk);
    this.push(chunk);
  }

  drained(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) this.#send(waiting.bytes, waiting.written);
  }

  #send(bytes: Uint8Array, written: () => void): void {
    const taken = this.#below.write(bytes, 0, bytes.length);
    if (taken < 0) this.isBroken = true;
    if (taken < 0 || taken === bytes.length) return written();
    this.#waiting = { bytes: bytes.subarray(taken), written };
  }

  /** The link below is paused instead of this. */
  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: string, written: () => void): void {
    this.#send(bytes, written);
  }

  override _final(done: () => void): void {
    done();
    this.#onEnd();
  }
}
