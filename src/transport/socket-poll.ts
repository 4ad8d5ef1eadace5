/** What of a socket is asked for. */
export interface SocketQuestion {
  /** The system's number for it. */
  readonly descriptor: number;
  /** Whether data, an end or an error can be read. */
  readonly reads: boolean;
  /** Whether there is room to write. */
  readonly writes: boolean;
}

/**
 * Asks the system what waits in sockets. It takes nothing out: the runtime reads it in its own turn.
 * It never waits.
 */
export interface SocketPoll {
  /** For each question whether anything that it asks for is so; null: the system gave no answer. */
  ask(questions: readonly SocketQuestion[]): readonly boolean[] | null;
}
