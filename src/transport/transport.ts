/** How a byte stream reaches the broker. One file a platform implements it; the driver uses it. */

/** One socket. All calls are synchronous and safe after the end: they then do nothing. */
export interface Link {
  /** `address:port`, IPv6 in brackets; `unknown` when the peer was gone before it was accepted. */
  readonly remote: string;
  /** The peer is on this machine: a loopback address. */
  readonly isLocal: boolean;
  /** The system's number for the socket, for a SocketPoll; null: the platform tells none, or it has ended. */
  readonly descriptor: number | null;
  /** Room for the driver: whatever it keeps for this link. */
  owner: unknown;
  /**
   * Hands bytes[start..end) to the kernel. Returns how many it took, less than asked when its buffer
   * is full (then `drained` follows once there is room), or -1 when the link has ended. The bytes are
   * copied or written before it returns.
   */
  write(bytes: Uint8Array, start: number, end: number): number;
  /** Stops and restarts reading, so that TCP holds the peer back. `data` under way may still come. */
  pause(): void;
  resume(): void;
  /**
   * Orderly end: FIN after all that the kernel took. `closed` does not follow; `onClosed` is called once
   * the peer has closed too, or the wait for it was given up.
   */
  end(onClosed?: () => void): void;
  /** Abortive end: RST, what waits is lost. `closed` does not follow. */
  reset(): void;
  /**
   * Sets the transport's own detectors of a dead peer. They never end a link before `allowedMs` of
   * silence; null (no keepalive) uses the settings made for that case.
   */
  watch(allowedMs: number | null): void;
  /** Whether the peer has sent its FIN, read or not. Absent: this platform can't tell. */
  hasPeerClosed?(): boolean;
  /**
   * Bytes that the kernel took and the peer's has not acknowledged: less of them than before says that the
   * peer takes something. Null, or absent: this platform can't tell.
   */
  unacknowledged?(): number | null;
}

/** What a transport tells, in order, never from inside a call to the link. */
export interface LinkEvents {
  opened(link: Link): void;
  /** `chunk` is the receiver's to keep. */
  data(link: Link, chunk: Uint8Array): void;
  drained(link: Link): void;
  /** The peer or the network ended it: FIN, RST, or TCP's own timeout (keepalive, unacknowledged data). */
  closed(link: Link, how: "eof" | "reset" | "timeout"): void;
}

/** TCP's own detectors, beside the keepalive deadline. All milliseconds; 0 switches one off. */
export interface TcpWatch {
  /** Idle time before the first probe, for connections without MQTT keepalive. */
  readonly keepAliveMs: number;
  /** Longest time for sent data without acknowledgement, for connections without MQTT keepalive. */
  readonly userTimeoutMs: number;
}

export interface ListenOptions {
  /** Null: both loopback addresses, 127.0.0.1 and ::1 (the latter where the machine has it). */
  readonly host: string | null;
  /** 0: a free one, the same on both loopback addresses. */
  readonly port: number;
  readonly tcp: TcpWatch;
  readonly events: LinkEvents;
}

export interface ListeningSocket {
  /** `127.0.0.1:1883`, `[::1]:1883`. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** The system's numbers for the sockets, for a SocketPoll; empty: the platform tells none. */
  readonly descriptors: readonly number[];
  /** Accepts no more; open links live on. */
  close(): void;
}

export interface Transport {
  /** Throws ListenError when the address can't be had; nothing is left open then. */
  listen(options: ListenOptions): Promise<ListeningSocket>;
}

/** An address that can't be listened on: the operator's to mend. */
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
