import type { PeerCertificate } from "node:tls";
import type { Loss } from "../core/end-causes.ts";
import { errorCode, systemErrorText } from "../log/system-error.ts";
import { type TlsContexts, versionNumbers } from "./tls-contexts.ts";
import { alertMeaning, certificateText, knownFailure, versionsText } from "./tls-failure.ts";
import { Handshakes } from "./tls-handshakes.ts";
import { HelloReader } from "./tls-hello.ts";
import { LinkAbove, transportOn } from "./link-above.ts";
import { Pipe, ServerSocket } from "./tls-socket.ts";
import type { Link, LinkEvents, Transport } from "./transport.ts";

interface TlsOptions {
  /** How long a link that ends may take to write its last bytes. */
  readonly lingerMs?: number;
  /** Gets each line of the key log. */
  readonly onKeys?: ((line: Uint8Array) => void) | null;
}

/**
 * TLS on top of another transport, by node:tls, which here only turns bytes into bytes. So a link's
 * descriptor, its FIN and RST and TCP's detectors are those of the transport below.
 */
export function tls(below: Transport, contexts: TlsContexts, options: TlsOptions = {}): Transport {
  const { lingerMs = 5000, onKeys = null } = options;
  return transportOn(below, (events) => {
    const origin = { events, contexts, lingerMs, onKeys, handshakes: new Handshakes() };
    return (link) => new TlsLink(link, origin);
  });
}

/** State shared by all links of one listener. */
interface Origin {
  readonly events: LinkEvents;
  readonly contexts: TlsContexts;
  readonly lingerMs: number;
  readonly onKeys: ((line: Uint8Array) => void) | null;
  readonly handshakes: Handshakes;
}

/** Plain bytes that one write may add to the TLS library's buffer beyond its high-water mark. */
const writeMaxBytes = 256 * 1024;

/**
 * Memory that the TLS library and its streams take of each connection, bytes. Measured, as all that
 * counts against `limits.memory`: `scripts/holdings.ts` compares.
 */
const tlsBytes = 21_000;

/**
 * hello (its ClientHello is incomplete) > waiting (for its turn) > shaking > open > ending (`end` was
 * called) > closed; each may also go to closed at once.
 */
type LinkState = "hello" | "waiting" | "shaking" | "open" | "ending" | "closed";

class TlsLink extends LinkAbove {
  readonly #origin: Origin;
  #state: LinkState = "hello";
  /** Until its ClientHello is complete. */
  #hello: HelloReader | null = null;
  /** Received before the handshake begins; then, decrypted before it is told to be done. */
  #early: Uint8Array | null = null;
  /** The layer above has paused it. */
  #isHeld = false;
  #serverName: string | null = null;
  #pipe: Pipe | null = null;
  #socket: ServerSocket | null = null;
  #blocked = false;
  #linger: ReturnType<typeof setTimeout> | undefined = undefined;
  #onClosed: () => void = nothing;
  #requestsCert = false;
  #identity: string | null | undefined = undefined;

  constructor(below: Link, origin: Origin) {
    super(below);
    this.#origin = origin;
  }

  override get descriptor(): number | null {
    return this.#state === "closed" ? null : this.below.descriptor;
  }

  override get preparing(): string | null {
    const isPrepared = this.#state === "open" || this.#state === "ending";
    return isPrepared ? null : (this.below.preparing ?? "TLS handshake");
  }

  override get identity(): string | null | undefined {
    return this.#identity;
  }

  override get ownBytes(): number {
    return tlsBytes + super.ownBytes;
  }

  override get unsent(): number {
    return (this.#socket?.writableLength ?? 0) + (this.#pipe?.writableLength ?? 0);
  }

  /** Asked of the TLS library, which keeps it anyway. */
  override certificate(): Uint8Array | null {
    if (this.#state !== "open" || !this.#requestsCert) return null;
    // A client without a certificate has none of its fields.
    const { raw } = (this.#socket?.getPeerCertificate() ?? {}) as Partial<PeerCertificate>;
    return raw ?? null;
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    const socket = this.#socket;
    if (this.#state === "closed" || this.#state === "ending") return -1;
    let at = start;
    if (this.#state === "open" && socket !== null) {
      // Copied: the TLS library may keep what it can't write yet.
      while (at < end && !this.#isFull) {
        const next = Math.min(end, at + writeMaxBytes);
        socket.write(bytes.slice(at, next));
        at = next;
      }
      if (this.#pipe?.isBroken === true) return -1;
    }
    if (at < end) this.#blocked = true;
    return at - start;
  }

  /** Bun's TLS library goes on writing to a pipe that is full. */
  get #isFull(): boolean {
    return this.#socket?.writableNeedDrain === true || this.#pipe?.writableNeedDrain === true;
  }

  /** What was received before is decrypted and handed on at once, so nothing waits up here. */
  override pause(): void {
    this.#isHeld = true;
    this.below.pause();
  }

  override resume(): void {
    this.#isHeld = false;
    if (this.#state !== "waiting") this.below.resume();
  }

  end(onClosed: () => void = nothing): void {
    if (this.#state === "closed" || this.#state === "ending") return onClosed();
    const isOpen = this.#state === "open";
    this.#state = "ending";
    this.#onClosed = onClosed;
    if (!isOpen) return this.#endBelow();
    this.#linger = setTimeout(() => this.reset(), this.#origin.lingerMs);
    this.#linger.unref();
    // Writes its buffered bytes, then close_notify; then the pipe calls #endBelow.
    this.#socket?.end();
  }

  #endBelow(): void {
    if (this.#state !== "ending") return;
    this.#become("closed");
    this.below.end(() => this.#settled());
  }

  reset(): void {
    if (this.#state === "closed") return this.below.reset();
    const wasEnding = this.#state === "ending";
    this.#become("closed");
    this.below.reset();
    if (wasEnding) this.#settled();
  }

  #settled(): void {
    const onClosed = this.#onClosed;
    this.#onClosed = nothing;
    onClosed();
  }

  received(chunk: Uint8Array): void {
    switch (this.#state) {
      case "hello":
        return this.#receivedHello(chunk);
      case "waiting":
        this.#early = joined(this.#early, chunk);
        return;
      case "shaking":
      case "open":
        return this.#pipe?.received(chunk);
      default:
        return;
    }
  }

  #receivedHello(chunk: Uint8Array): void {
    this.#hello ??= new HelloReader();
    const hello = this.#hello.feed(chunk);
    if (hello === null) return;
    this.#early = this.#hello.bytes;
    this.#hello = null;
    if (typeof hello === "string") return this.#fail(hello, unexpectedMessage);
    const { minVersion } = this.#origin.contexts;
    if (Math.max(...hello.versions) < versionNumbers[minVersion])
      return this.#fail(versionsText(hello.versions, minVersion), protocolVersion);
    this.#serverName = hello.serverName;
    this.#state = "waiting";
    // Whatever else it sends waits in the kernel.
    this.below.pause();
    this.#origin.handshakes.add(this);
  }

  /** Its turn has come. */
  shakeHands(): void {
    const early = this.#early;
    if (this.#state !== "waiting" || early === null) return;
    const { contexts, onKeys } = this.#origin;
    this.#state = "shaking";
    this.#early = null;
    const pipe = new Pipe(this.below, () => this.#endBelow());
    const { requestCert } = contexts;
    this.#requestsCert = requestCert;
    const socket = new ServerSocket(pipe, {
      isServer: true,
      secureContext: contexts.for(this.#serverName),
      requestCert,
      rejectUnauthorized: requestCert,
    });
    this.#pipe = pipe;
    this.#socket = socket;
    socket.once("secure", () => this.#secured());
    socket.on("data", (bytes: Uint8Array) => this.#decrypted(bytes));
    socket.on("drain", () => this.#drained());
    pipe.on("drain", () => this.#drained());
    socket.on("end", () => this.#notified());
    socket.on("error", (error) => this.#broken(error));
    socket.on("close", () => this.#endBelow());
    if (onKeys !== null) socket.on("keylog", onKeys);
    if (!this.#isHeld) this.below.resume();
    pipe.received(early);
  }

  #secured(): void {
    const socket = this.#socket;
    const { contexts } = this.#origin;
    if (this.#state !== "shaking" || socket === null) return;
    if (this.#requestsCert && !socket.authorized) {
      const { authorizationError } = socket;
      const why = knownFailure(authorizationError) ?? String(authorizationError);
      const shown = certificateText(socket.getPeerCertificate());
      return this.#fail(shown === null ? why : `${why}: ${shown}`, null);
    }
    if (contexts.identityAsUsername) {
      const name: unknown = socket.getPeerCertificate().subject?.CN;
      this.#identity = typeof name === "string" ? name : null;
    }
    this.#state = "open";
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.#origin.events.data(this, early);
    this.#drained();
  }

  #decrypted(bytes: Uint8Array): void {
    if (this.#state === "open") this.#origin.events.data(this, bytes);
    // Of a client whose certificate is not judged yet.
    else if (this.#state === "shaking") this.#early = joined(this.#early, bytes);
  }

  writable(): void {
    this.#pipe?.drained();
  }

  #drained(): void {
    if (!this.#blocked || this.#state !== "open" || this.#isFull) return;
    this.#blocked = false;
    this.#origin.events.drained(this);
  }

  /** The TLS library has ended: by close_notify, or, on Bun, by a record that it can't read. */
  #notified(): void {
    if (this.#state === "shaking") return this.#fail(this.#gaveUp, null);
    if (this.#state !== "open") return;
    if (this.#pipe?.records.endsWithAlert !== true)
      return this.#fail("it sent a broken TLS record", null);
    this.end();
    this.#origin.events.closed(this, "eof");
  }

  #broken(error: Error): void {
    // Written after close_notify had come with the data before it.
    if (errorCode(error) === "ERR_SOCKET_CLOSED") return this.#notified();
    if (this.#state === "ending") return this.#endBelow();
    // BoringSSL takes an alert in plain text, sent before the client had keys, for a broken record.
    const isAlert = this.#state === "shaking" && this.#pipe?.records.endsWithAlert === true;
    const unknown = isAlert ? this.#gaveUp : systemErrorText(error);
    const shown = this.#state === "shaking" ? (this.#socket?.shown ?? null) : null;
    const why = knownFailure(error) ?? unknown;
    this.#fail(shown === null ? why : `${why}: ${shown}`, null);
  }

  /** TLS can't go on. `alert`: one to send; null: the TLS library has sent its own. */
  #fail(detail: string, alert: Uint8Array | null): void {
    if (this.#state === "closed" || this.#state === "ending") return;
    this.#become("closed");
    if (alert !== null) this.below.write(alert, 0, alert.length);
    this.below.end();
    this.#origin.events.closed(this, "tlsFailed", detail);
  }

  /** Why a client may have ended the handshake. */
  get #gaveUp(): string {
    if (this.#state !== "shaking") return "it closed before its ClientHello";
    const alert = this.#pipe?.records.plainAlert ?? null;
    const meaning = alert === null ? null : alertMeaning(alert);
    if (meaning !== null) return meaning;
    return this.#pipe?.records.endsWithAlert === true
      ? "it refused the broker's certificate, as clients do that do not know its CA or its name"
      : "it closed during the handshake";
  }

  closedBelow(how: Loss, detail: string | undefined): void {
    if (how !== "eof" || this.#state !== "open") return this.#ended(how, detail);
    // The TLS library tells of a close_notify that came with the FIN a moment later.
    process.nextTick(() => this.#ended("tlsCut", undefined));
  }

  #ended(how: Loss, detail: string | undefined): void {
    const { events } = this.#origin;
    switch (this.#state) {
      case "closed":
        return;
      case "ending":
        this.#become("closed");
        return this.#settled();
      case "open":
        this.#become("closed");
        return events.closed(this, how, detail);
      default: {
        const why = this.#gaveUp;
        this.#become("closed");
        if (how === "eof" || how === "reset") return events.closed(this, "tlsFailed", why);
        return events.closed(this, how, detail);
      }
    }
  }

  #become(state: "closed"): void {
    this.#state = state;
    if (this.#linger !== undefined) clearTimeout(this.#linger);
    this.#hello = null;
    this.#early = null;
    this.#pipe?.destroy();
    this.#socket?.destroy();
    this.#pipe = null;
    this.#socket = null;
  }
}

/** Alerts in plain text, as before any key is known: fatal, and why. */
const unexpectedMessage = Uint8Array.of(21, 3, 1, 0, 2, 2, 10);
const protocolVersion = Uint8Array.of(21, 3, 1, 0, 2, 2, 70);

function joined(before: Uint8Array | null, chunk: Uint8Array): Uint8Array {
  return before === null ? chunk : Buffer.concat([before, chunk]);
}

function nothing(): void {}
