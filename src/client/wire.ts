import type { DialError } from "./dial-error.ts";

/** A client's connection, whatever it runs over. */
export interface Wire {
  /** Sends bytes; does nothing once the connection has ended. */
  send(bytes: Uint8Array): void;
  /** Ends in an orderly way, after all bytes: Close frame, close_notify, FIN, at once. */
  end(): void;
  /** Sends FIN after all bytes, but no Close frame and no close_notify: so a dead process ends. */
  cut(): void;
  /** Sends RST. A unix socket knows none: there it is `cut`. */
  reset(): void;
  /** Stops reading, so that the kernel's buffer fills. */
  pause(): void;
  /** Resumes reading; what arrived meanwhile comes first. */
  resume(): void;
  /** Resolves when the system has taken all bytes sent so far, or the connection has ended. */
  flushed(): Promise<void>;
  /** Resolves when the socket is closed on both sides. */
  readonly gone: Promise<void>;
  /** From now on it sends nothing by itself: no WebSocket ping is answered. */
  silence(): void;
  /** Null: it is no WebSocket. */
  readonly webSocket: WebSocketVerbs | null;
}

/** What a WebSocket can do beside carrying bytes. */
export interface WebSocketVerbs {
  /** Sends a Ping frame. */
  ping(): void;
  /**
   * Sends a Close frame with this status (null: without one), nothing more, and FIN once the broker
   * has answered.
   */
  close(code: number | null): void;
}

export type WireEnd = "eof" | "reset" | "timeout" | "malformed";

export interface WireEvents {
  data(chunk: Uint8Array): void;
  /**
   * The peer or the network ended the connection. Called at most once, never after `end`, `cut` or
   * `reset`. `malformed`: the wire itself has reset it, since the peer broke the transport's rules.
   * `why`: what they broke, or what the peer said of it (a TLS alert), as a clause.
   */
  closed(how: WireEnd, why?: string): void;
}

/** A wire that is being opened, on top of another one or of the system's socket. */
export interface OpeningWire extends Wire {
  /** What it waits for until it is open: `a TLS handshake`. */
  readonly awaited: string;
}

/** What a wire tells the one above it, or `dial`. */
export interface OpeningEvents extends WireEvents {
  opened(): void;
  /** It could not be opened; instead of `opened`, and nothing follows. */
  failed(error: DialError): void;
}
