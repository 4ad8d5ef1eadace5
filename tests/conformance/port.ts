/** What a check needs of the world: connections, and time. A virtual and a real one exist. */
export interface Port {
  /** Rejects if it cannot reach the broker. */
  open(events: LineEvents): Promise<Line>;
  /**
   * Opens a connection to the broker's WebSocket listener, whose bytes begin with an HTTP request;
   * null: it has none. Rejects if it cannot reach the broker.
   */
  openWebSocket(events: LineEvents): Promise<Line> | null;
  pass(milliseconds: number): Promise<void>;
  /** Waits until it is true; false: still untrue after `boundMs`. */
  until(isSo: () => boolean, boundMs: number): Promise<boolean>;
  /** Bound for a packet that is certain to arrive. */
  readonly patienceMs: number;
  /** The watching time after which a packet counts as absent. */
  readonly quietMs: number;
  /** How long before a deadline the deadline cannot have fired. */
  readonly marginMs: number;
  /** Other clients use this broker as well: the scene must clean up what a check leaves behind. */
  readonly isShared: boolean;
}

/** A client's end of one network connection. */
export interface Line {
  send(bytes: Uint8Array): void;
  /** FIN, without a DISCONNECT before it. */
  end(): void;
}

export interface LineEvents {
  data(bytes: Uint8Array): void;
  /** The broker closed the connection. */
  closed(): void;
}
