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
  /** The name after `--like`, on every line; null (default): none. */
  readonly like?: string | null;
}

/**
 * Takes whole lines. Calls `done` once the reader's side has them, or once the reader is known to
 * be gone. The sink writes nothing more until then.
 */
export type LogWrite = (text: string, done: () => void) => void;

/** Characters buffered for a slow reader; beyond them the sink drops lines. */
const waitingMax = 1024 * 1024;

/**
 * Turns events into lines. All lines of `serve`, human or NDJSON, the ready line too, go to stderr;
 * stdout stays free for what a command was asked to print.
 *
 * One turn of the event loop makes one write. Lines wait for a slow reader up to a bound; the sink
 * drops lines beyond it and logs how many. A slow or absent reader never blocks and never throws.
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
  /** Time of the latest event, which a line about dropped lines takes as its own. */
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

  /** Formats the event before it returns, if its level is logged. */
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

  /** Writes the waiting lines, unless the write before is still under way. */
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
   * Flushes. Resolves when the reader has all lines, or after `timeoutMs` milliseconds, so that a
   * slow reader does not keep the process from stopping.
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
 * Writes to a stream. After a failure (EPIPE: the reader has gone) it writes no more: the broker
 * runs on without a reader of its log.
 */
export function writeTo(stream: LogStream): LogWrite {
  let gone = false;
  // Without a listener a stream error ends the process.
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
