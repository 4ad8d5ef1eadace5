/** What a check needs of the world: connections, and time. A virtual and a real one exist. */
export interface Port {
  /** Rejects where there is no way to the broker. */
  open(events: LineEvents): Promise<Line>;
  pass(milliseconds: number): Promise<void>;
  /** Waits until it is so; false: it is not so yet after `boundMs`. */
  until(isSo: () => boolean, boundMs: number): Promise<boolean>;
  /** How long to wait for what has to come. */
  readonly patienceMs: number;
  /** How long to watch before what did not come counts as absent. */
  readonly quietMs: number;
  /** How far before a deadline it can't have fallen yet. */
  readonly marginMs: number;
  /** Others use this broker as well: what a check leaves behind is to be cleared away. */
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
  /** The broker closed it. */
  closed(): void;
}
