import type { Millis } from "../core/io.ts";
import type { RowKind } from "./rows.ts";

/**
 * What a commit promises. normal: it survives the process; the last second may be lost when power
 * fails. full: it survives both. off: it is written later, and survives an orderly stop.
 */
export type Durability = "normal" | "full" | "off";

/** An earlier broker on the same store. */
export interface PastRun {
  readonly version: string;
  readonly process: number;
  readonly started: Millis;
  /** When it last said that it lives, each second. */
  readonly heartbeat: Millis;
  /**
   * Until when the store has kept all that the broker changed, if it had not kept everything in the
   * end; null: it had, as far as `durability` promises it.
   */
  readonly keptUntil: Millis | null;
  /** Its orderly stop; null: it was killed. */
  readonly stopped: Millis | null;
}

/** A file's size and contents. */
export interface FileFacts {
  readonly path: string;
  readonly bytes: number;
  /** Of the write-ahead log. */
  readonly logBytes: number;
  /** In the file, free for what comes next. */
  readonly freeBytes: number;
  readonly rows: Readonly<Record<RowKind, number>>;
}

/** How commits went since the start. */
export interface CommitFigures {
  readonly count: number;
  readonly failed: number;
  /** How long they took, without their way to the store and back; the median of the last 1,000. */
  readonly medianMs: number | null;
  readonly longestMs: number;
}
