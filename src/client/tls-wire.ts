import { Duplex } from "node:stream";
import { connect, type TLSSocket } from "node:tls";
import { isIP } from "node:net";
import type { DialError } from "./dial-error.ts";
import { plainTls, serverNameOf, type Target } from "./target.ts";
import { alertText, certificateError, closedError, handshakeError } from "./tls-error.ts";
import type { OpeningEvents, OpeningWire, WireEnd } from "./wire.ts";

/**
 * TLS on top of a socket. Its records pass through a stream of ours, so that the socket itself can
 * send FIN or RST without a close_notify, and stop reading, in the same way on every runtime.
 */
export class TlsWire implements OpeningWire {
  readonly #target: Target;
  readonly #above: OpeningEvents;
  readonly #below: OpeningWire;
  readonly #records: Duplex;
  /** Null until the socket below is open. */
  #tls: TLSSocket | null = null;
  readonly webSocket = null;
  #isOpen = false;
  #isOver = false;
  /** How the socket below ended; null: it has not. */
  #belowEnd: WireEnd | null = null;

  constructor(target: Target, above: OpeningEvents, below: (events: OpeningEvents) => OpeningWire) {
    this.#target = target;
    this.#above = above;
    this.#records = new Duplex({
      read: () => {},
      write: (chunk: Uint8Array, _, done) => {
        this.#below.send(chunk);
        done();
      },
      final: (done) => {
        this.#below.end();
        done();
      },
    });
    this.#below = below({
      opened: () => this.#start(),
      failed: (error) => this.#fail(error),
      data: (chunk) => void this.#records.push(chunk),
      closed: (how) => {
        this.#belowEnd = how;
        // What it had sent before is still to be read: an alert, perhaps.
        if (this.#tls === null) this.#fail(closedError(how));
        else this.#records.push(null);
      },
    });
  }

  get awaited(): string {
    return this.#tls === null ? this.#below.awaited : "TLS handshake";
  }

  send(bytes: Uint8Array): void {
    if (!this.#isOver) this.#tls?.write(bytes);
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#tls?.end();
    this.resume();
  }

  cut(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#below.cut();
  }

  reset(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#below.reset();
  }

  pause(): void {
    this.#below.pause();
    this.#tls?.pause();
  }

  resume(): void {
    this.#below.resume();
    this.#tls?.resume();
  }

  async flushed(): Promise<void> {
    return this.#below.flushed();
  }

  get gone(): Promise<void> {
    return this.#below.gone;
  }

  silence(): void {}

  #start(): void {
    const { host, tls: settings } = this.#target;
    const { ca, cert, key } = settings ?? plainTls;
    const name = serverNameOf(this.#target);
    let tls: TLSSocket;
    try {
      tls = connect({
        socket: this.#records,
        host,
        // An address is no name to ask for (RFC 6066, section 3).
        ...(isIP(name) === 0 && { servername: name }),
        ...(ca !== null && { ca }),
        ...(cert !== null && { cert }),
        ...(key !== null && { key }),
        // `certificateError` judges, and says more than the runtime does.
        rejectUnauthorized: false,
      });
    } catch (error) {
      return this.#fail(handshakeError(error));
    }
    this.#tls = tls;
    tls.on("secureConnect", () => this.#shaken(tls));
    tls.on("data", (chunk: Uint8Array) => {
      if (this.#isOpen && !this.#isOver) this.#above.data(chunk);
    });
    tls.on("error", (error) => {
      if (this.#isOpen) this.#close(this.#belowEnd ?? "reset", alertText(error));
      else this.#fail(handshakeError(error));
    });
    tls.on("end", () => this.#ended());
    tls.on("close", () => this.#ended());
  }

  /** Nothing is sent before the certificate is checked. */
  #shaken(tls: TLSSocket): void {
    if (this.#isOver || this.#isOpen) return;
    const error = certificateError(tls, this.#target);
    if (error !== null) return this.#fail(error);
    this.#isOpen = true;
    this.#above.opened();
  }

  #ended(): void {
    const how = this.#belowEnd ?? "eof";
    if (this.#isOpen) this.#close(how);
    else this.#fail(closedError(how));
  }

  #fail(error: DialError): void {
    if (this.#isOver) return;
    this.reset();
    this.#above.failed(error);
  }

  #close(how: WireEnd, why?: string): void {
    if (this.#isOver) return;
    // Answers the broker's close_notify with the client's own.
    this.end();
    this.#above.closed(how, why);
  }
}
