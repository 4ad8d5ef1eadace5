import { Duplex } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";

/** A TLS client whose socket the test can cut, reset or stop reading at any moment. */
export class TlsPeer {
  readonly local: string;
  /** How its data ended: close_notify or FIN (`eof`), or RST (`reset`). */
  readonly ended: Promise<"eof" | "reset">;
  readonly #raw: Bun.Socket<Pipe>;
  readonly #pipe: Pipe;
  readonly #tls: TLSSocket;
  readonly #got: Uint8Array[] = [];
  #isOver = false;
  #isSecure = false;

  private constructor(raw: Bun.Socket<Pipe>, pipe: Pipe, options: ConnectionOptions) {
    this.#raw = raw;
    this.#pipe = pipe;
    this.local = `${raw.localAddress}:${raw.localPort}`;
    this.#tls = connect({ ...options, socket: pipe });
    const { promise, resolve } = Promise.withResolvers<"eof" | "reset">();
    this.ended = promise;
    this.#tls.on("data", (chunk: Uint8Array) => void this.#got.push(chunk));
    this.#tls.on("end", () => resolve("eof"));
    // As clients do whose handshake has failed.
    this.#tls.on("error", () => void (this.#isSecure || raw.end()));
    this.#tls.once("secureConnect", () => (this.#isSecure = true));
    pipe.onClosed = (wasReset) => {
      this.#isOver = true;
      resolve(wasReset ? "reset" : "eof");
    };
  }

  /** Resolves once its side of the handshake is done, or has failed. */
  static async dial(
    at: { readonly hostname: string; readonly port: number },
    options: ConnectionOptions = { rejectUnauthorized: false },
  ): Promise<TlsPeer> {
    const pipe = new Pipe();
    const raw = await Bun.connect<Pipe>({
      hostname: at.hostname,
      port: at.port,
      allowHalfOpen: true,
      data: pipe,
      socket: {
        open: (socket) => pipe.use(socket),
        data: (_, chunk) => void pipe.push(chunk),
        drain: () => pipe.flush(),
        end: () => void pipe.push(null),
        close: (_, error) => pipe.lost(error),
      },
    });
    const peer = new TlsPeer(raw, pipe, options);
    await new Promise<void>((resolve) => {
      peer.#tls.once("secureConnect", resolve);
      void peer.ended.then(() => resolve());
      peer.#tls.once("error", () => resolve());
    });
    return peer;
  }

  get socket() {
    return {
      pause: () => this.#raw.pause(),
      resume: () => this.#raw.resume(),
      write: (bytes: string | Uint8Array): number => {
        if (this.#isOver) return -1;
        // TLS is over, and the socket is not.
        if (this.#tls.writableEnded || this.#tls.destroyed) return this.#raw.write(bytes);
        if (this.#tls.writableNeedDrain) return 0;
        this.#tls.write(bytes);
        return bytes.length;
      },
    };
  }

  get text(): string {
    return Buffer.concat(this.#got).toString("latin1");
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#got);
  }

  send(text: string | Uint8Array): void {
    this.#tls.write(text);
  }

  /** Of the certificate that it was shown. */
  get subject(): unknown {
    return this.#tls.getPeerCertificate().subject?.CN;
  }

  /** Bytes beside TLS. */
  sendRaw(bytes: Uint8Array): void {
    this.#raw.write(bytes);
  }

  /** close_notify and FIN. */
  fin(): void {
    this.#pipe.closes = true;
    this.#tls.end();
  }

  /** FIN without close_notify. */
  cut(): void {
    this.#raw.shutdown();
  }

  rst(): void {
    this.#raw.terminate();
  }
}

class Pipe extends Duplex {
  #raw: Bun.Socket<Pipe> | null = null;
  #waiting: { readonly bytes: Uint8Array; readonly written: () => void } | null = null;
  /** Whether the end of TLS closes the socket too; Bun's TLS ends as soon as the other side does. */
  closes = false;
  /** A write met the reset, so that Bun does not tell of it. */
  #isReset = false;
  onClosed: (wasReset: boolean) => void = () => {};

  use(raw: Bun.Socket<Pipe>): void {
    this.#raw = raw;
    this.on("error", () => {});
  }

  lost(error: Error | undefined): void {
    this.onClosed(error !== undefined || this.#isReset);
    this.destroy();
  }

  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) this.#send(waiting.bytes, waiting.written);
  }

  #send(bytes: Uint8Array, written: () => void): void {
    const taken = this.#raw?.write(bytes) ?? -1;
    if (taken < 0) this.#isReset = true;
    if (taken < 0 || taken === bytes.length) return written();
    this.#waiting = { bytes: bytes.subarray(taken), written };
  }

  override _read(): void {}

  override _write(bytes: Uint8Array, _encoding: string, written: () => void): void {
    this.#send(bytes, written);
  }

  override _final(done: () => void): void {
    if (this.closes) this.#raw?.shutdown();
    done();
  }
}
