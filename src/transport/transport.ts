import type { Loss } from "../core/end-causes.ts";

/**
 * Byte streams to and from the broker. Each platform has one implementation; the driver uses it.
 */

/**
 * One socket: a stream of bytes in order and without loss [v4-7.1.1-1] [v5-4.2-1]. All calls are
 * synchronous, and do nothing after the end.
 */
export interface Link {
  /**
   * `address:port`, IPv6 in brackets; `unix:PATH` of a unix socket; `unknown` when the peer was gone
   * before it was accepted. `addressed` tells that it has changed.
   */
  readonly remote: string;
  /** The peer is on this machine: a loopback address, or a unix socket. */
  readonly isLocal: boolean;
  /**
   * File descriptor for a SocketPoll; null: the platform does not expose it, or the link has ended.
   */
  readonly descriptor: number | null;
  /** The driver's own data for this link. */
  owner: unknown;
  /**
   * Writes bytes[start..end) to the kernel. Returns how many the kernel took, fewer than given if
   * its buffer is full (`drained` follows once it has room), or -1 if the link has ended. The bytes
   * are copied or written before the call returns.
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  /** Stops reading, so that TCP holds the peer back. `data` under way may still follow. */
  pause(): void;
  resume(): void;
  /**
   * Orderly end: FIN after all bytes that the kernel took. `closed` does not follow. Calls
   * `onClosed` once the peer has closed too, or the wait for it timed out.
   */
  end(onClosed?: () => void): void;
  /** Abortive end: RST; unsent bytes are lost. `closed` does not follow. Ends a wait of `end` too. */
  reset(): void;
  /**
   * Sets the transport's own detectors of a dead peer. They never end a link before `allowedMs` of
   * silence; null (no keepalive) uses TcpWatch's times.
   */
  watch(allowedMs: number | null): void;
  /**
   * Whether the peer's FIN has arrived, possibly behind unread bytes. Absent: platform can't tell.
   */
  hasPeerClosed?(): boolean;
  /**
   * Reads a few bytes that a SocketPoll has seen, ahead of the loop: their `data` comes from inside this
   * call. Absent: this platform can't.
   */
  readAhead?(): void;
  /**
   * Bytes that the kernel took and the peer's kernel has not acknowledged. A decrease shows that
   * the peer takes data. Null, or absent: this platform can't tell.
   */
  unacknowledged?(): number | null;
  /**
   * What has to come before the first byte of MQTT, and is not complete: `TLS handshake`. Null or
   * absent: nothing.
   */
  readonly preparing?: string | null;
  /**
   * The user name that the client's certificate proves; null: it has none; undefined or absent: the
   * user name of CONNECT counts.
   */
  readonly identity?: string | null | undefined;
  /** Memory of what is on top of the socket, without bytes that wait; bytes, absent: none. */
  readonly ownBytes?: number;
  /** Memory of bytes that `write` took and that wait here for the system; absent: none ever. */
  readonly unsent?: number;
  /** The client's certificate, as DER; null: it has shown none, or the link has ended. Absent: never one. */
  certificate?(): Uint8Array | null;
  /**
   * Memory of bytes that have arrived and are not handed on yet, which counts as unread input;
   * absent: none ever. `data` follows a change, without bytes if it brings none.
   */
  readonly held?: number;
  /** Some of them wait for a later turn of the loop, not for the peer; absent: never. */
  readonly isBehind?: boolean;
}

/** Events of a transport, in order, never from inside a call to the link but `readAhead`. */
export interface LinkEvents {
  opened(link: Link): void;
  /** The receiver may keep `chunk`, and change it. */
  data(link: Link, chunk: Uint8Array): void;
  drained(link: Link): void;
  /**
   * The peer or the network ended the link: FIN, RST, TCP's timeout (probes, unacknowledged data), or
   * what a transport on top of it adds. `detail`: more about it, in words.
   */
  closed(link: Link, how: Loss, detail?: string): void;
  /** The link's `remote` and `isLocal` have changed: a proxy has named its client. */
  addressed?(link: Link): void;
}

/** Losses that leave the socket open, for a goodbye of the transport's own: call `end`. */
export const openLosses: ReadonlySet<Loss> = new Set<Loss>([
  "webSocketClosed",
  "webSocketFailed",
  "textFrame",
  "frameTooLarge",
]);

/** TCP's own detectors, beside the keepalive deadline. Milliseconds; 0 switches one off. */
export interface TcpWatch {
  /** Idle time before the first probe, for connections without MQTT keepalive. */
  readonly keepAliveMs: number;
  /** Longest time that sent data may stay unacknowledged; with MQTT keepalive, a lower bound. */
  readonly userTimeoutMs: number;
}

export interface ListenOptions {
  /** Null: both loopback addresses, 127.0.0.1 and (if the machine has it) ::1. */
  readonly host: string | null;
  /** 0: a free port, the same on both loopback addresses. */
  readonly port: number;
  /** File of a unix socket, instead of host and port; null or absent: TCP. */
  readonly path?: string | null;
  readonly tcp: TcpWatch;
  readonly events: LinkEvents;
}

export interface ListeningSocket {
  /** `127.0.0.1:1883`, `[::1]:1883`; the path of a unix socket. */
  readonly addresses: readonly string[];
  /** 0 for a unix socket. */
  readonly port: number;
  /** File descriptors for a SocketPoll; empty: the platform does not expose them. */
  readonly descriptors: readonly number[];
  /** Stops accepting; open links stay open. */
  close(): void;
}

export interface Transport {
  /** Throws ListenError if listening fails, and leaves nothing open. */
  listen(options: ListenOptions): Promise<ListeningSocket>;
}

/** Listening on an address failed; the operator has to fix it. */
export class ListenError extends Error {
  override name = "ListenError";
  readonly code: string;
  readonly address: string;
  readonly port: number;
  constructor(code: string, address: string, port: number, message: string) {
    super(message);
    this.code = code;
    this.address = address;
    this.port = port;
  }
}
