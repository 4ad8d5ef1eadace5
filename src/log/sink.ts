import pc from "picocolors";
import type { Millis } from "../core/io.ts";
import { type Level, levelOf, levels, type LogEvent } from "./events.ts";
import { renderHuman, renderJson, type Style } from "./render.ts";

export type LogFormat = "human" | "json";

export interface LogSinkOptions {
  readonly level: Level;
  readonly format: LogFormat;
  readonly color: boolean;
  readonly write: LogWrite;
  /** Default: `local`. */
  readonly zone?: Style["zone"];
  /** Marks every line of a broker that misbehaves on purpose. Default: null. */
  readonly like?: string | null;
}

/**
 * Takes whole lines and calls `done` once the reader's side has them, or once it is known that
 * nobody reads any more. The sink hands over nothing further until then.
 */
export type LogWrite = (text: string, done: () => void) => void;

/** Characters that wait for a slow reader before lines are dropped. */
const waitingMax = 1024 * 1024;

/**
 * Where events become lines. All of `serve`'s own lines, human or NDJSON and the ready line too, go
 * to stderr; stdout stays free for what a command was asked to print.
 *
 * The lines of one turn of the event loop are one write. While a reader is slow the lines wait, up
 * to a bound; what is past it is dropped, and a line says how many were. No reader, slow or gone,
 * ever blocks or throws.
 */
export class LogSink {
  #level: Level;
  readonly #format: LogFormat;
  readonly #style: Style;
  readonly #write: LogWrite;
  #waiting = "";
  #writing = false;
  #scheduled = false;
  #droppedLines = 0;
  /** Time of the latest event; a line about dropped lines has no other. */
  #latest: Millis | null = null;
  #onDrained: (() => void)[] = [];

  constructor(options: LogSinkOptions) {
    this.#level = options.level;
    this.#format = options.format;
    const { color, zone = "local", like = null } = options;
    this.#style = { colors: pc.createColors(color), zone, like };
    this.#write = options.write;
  }

  logs(level: Level): boolean {
    return levels.indexOf(level) <= levels.indexOf(this.#level);
  }

  setLevel(level: Level): void {
    this.#level = level;
  }

  /** Only what passes the level is formatted; it is read before this returns. */
  note(event: LogEvent, at: Millis): void {
    if (!this.logs(levelOf(event))) return;
    this.#latest = at;
    if (this.#waiting.length >= waitingMax) {
      this.#droppedLines++;
      return;
    }
    this.#waiting += this.#line(event, at);
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** Hands over what waits now, unless the reader has not yet taken what it got before. */
  flush(): void {
    if (this.#writing) return;
    this.#writeDropped();
    const text = this.#waiting;
    if (text === "") {
      for (const resolve of this.#onDrained.splice(0)) resolve();
      return;
    }
    this.#waiting = "";
    this.#writing = true;
    this.#write(text, () => {
      this.#writing = false;
      this.flush();
    });
  }

  /**
   * Flushes, and resolves when the reader has all lines, or when `timeoutMs` milliseconds are over:
   * nobody who reads slowly keeps a process from stopping.
   */
  async drained(timeoutMs = 1000): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timeout = setTimeout(resolve, timeoutMs);
    this.#onDrained.push(resolve);
    this.flush();
    await promise;
    clearTimeout(timeout);
  }

  #writeDropped(): void {
    if (this.#droppedLines === 0 || this.#latest === null) return;
    const lines = this.#droppedLines;
    this.#droppedLines = 0;
    this.#waiting += this.#line({ event: "logLinesDropped", lines }, this.#latest);
  }

  #line(event: LogEvent, at: Millis): string {
    return this.#format === "json"
      ? `${renderJson(event, at, this.#style.like)}\n`
      : `${renderHuman(event, at, this.#style)}\n`;
  }
}

/** The part of a Node stream (`process.stderr`) that a log needs. */
export interface LogStream {
  write(text: string, done: (error?: Error | null) => void): boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/**
 * Writes to a stream. A stream that fails (EPIPE: its reader has gone) is not tried again: a broker
 * goes on without anybody who reads its log.
 */
export function writeTo(stream: LogStream): LogWrite {
  let gone = false;
  // Without a listener the stream's error would end the process.
  stream.on("error", () => {
    gone = true;
  });
  return (text, done) => {
    if (gone) {
      queueMicrotask(done);
      return;
    }
    try {
      stream.write(text, (error) => {
        if (error) gone = true;
        done();
      });
    } catch {
      gone = true;
      queueMicrotask(done);
    }
  };
}
