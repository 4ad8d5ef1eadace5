/** One socket to poll, and for what. */
export interface SocketQuestion {
  /** Its file descriptor. */
  readonly descriptor: number;
  /** Ask whether data, an end or an error can be read. */
  readonly reads: boolean;
  /** Ask whether the send buffer has room. */
  readonly writes: boolean;
}

/**
 * Polls sockets without blocking and without reading: the runtime reads the data in its own turn.
 */
export interface SocketPoll {
  /** For each question, whether any requested condition holds; null: the poll failed. */
  ask(questions: readonly SocketQuestion[]): readonly boolean[] | null;
}
