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
  /** For many sockets that are asked again and again. Absent: the system can't tell. */
  watchData?(): DataWatch;
}

/** A standing question about sockets, each at a place of its own. */
export interface DataWatch {
  add(place: number, descriptor: number): void;
  /** Call before its descriptor is closed, or soon after. */
  delete(place: number): void;
  /** The places of those that have unread data, and no end or error yet. */
  find(): readonly number[];
}
