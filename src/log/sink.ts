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
  /** Of the terminal that reads; null (default): none does. */
  readonly startColumns?: Style["startColumns"];
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
/** Characters of the texts in events that are not rendered yet, and of a line about short texts. */
const unrenderedMax = 1024 * 1024;
const lineCharacters = 200;
/** Events that one turn renders at least, and the part of those that wait. */
const renderedAtOnce = 32;
const renderedPart = 16;

/**
 * Turns events into lines. All lines of `serve`, human or NDJSON, the ready line too, go to stderr;
 * stdout stays free for what a command was asked to print.
 *
 * One turn of the event loop makes one write. When thousands of clients come or go at once, their
 * lines are rendered in later turns, after the wills. Lines wait for a slow reader up to a bound;
 * the sink drops lines beyond it and logs how many. A slow or absent reader never blocks and never
 * throws.
 */
export class LogSink {
  #level: Level;
  readonly #format: LogFormat;
  readonly #style: Style;
  readonly #write: LogWrite;
  #waiting = "";
  /** Events not rendered yet, from #rendered on, and the characters of their texts. */
  #unrendered: { readonly event: LogEvent; readonly at: Millis }[] = [];
  #rendered = 0;
  #unrenderedCharacters = 0;
  #writing = false;
  #scheduled = false;
  #droppedLines = 0;
  /** Time of the latest event, which a line about dropped lines takes as its own. */
  #latest: Millis | null = null;
  #onDrained: (() => void)[] = [];

  constructor(options: LogSinkOptions) {
    this.#level = options.level;
    this.#format = options.format;
    const { color, zone = "local", like = null, startColumns = () => null } = options;
    this.#style = { colors: pc.createColors(color), zone, like, startColumns };
    this.#write = options.write;
  }

  logs(level: Level): boolean {
    return levels.indexOf(level) <= levels.indexOf(this.#level);
  }

  setLevel(level: Level): void {
    this.#level = level;
  }

  /**
   * Logs the event, if its level is logged. Packets are formatted before it returns: they refer to
   * buffers that are reused.
   */
  note(event: LogEvent, at: Millis): void {
    if (!this.logs(levelOf(event))) return;
    this.#latest = at;
    if (this.#waiting.length + this.#unrenderedCharacters >= waitingMax) {
      this.#droppedLines++;
      return;
    }
    const characters = charactersOf(event);
    if (characters === null || this.#unrenderedCharacters + characters > unrenderedMax) {
      this.#render(Infinity);
      this.#waiting += this.#line(event, at);
    } else {
      this.#unrendered.push({ event, at });
      this.#unrenderedCharacters += characters;
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const waiting = this.#unrendered.length - this.#rendered;
      this.#render(Math.max(renderedAtOnce, Math.ceil(waiting / renderedPart)));
      if (this.#unrendered.length > 0) this.#schedule();
      this.#writeWaiting();
    });
  }

  /** Renders the next events, at most so many. */
  #render(most: number): void {
    const next = this.#unrendered.slice(this.#rendered, this.#rendered + most);
    for (const { event, at } of next) this.#waiting += this.#line(event, at);
    this.#rendered += next.length;
    if (this.#rendered < this.#unrendered.length) return;
    this.#unrendered = [];
    this.#rendered = 0;
    this.#unrenderedCharacters = 0;
  }

  /** Writes the waiting lines, unless the write before is still under way. */
  flush(): void {
    this.#render(Infinity);
    this.#writeWaiting();
  }

  #writeWaiting(): void {
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
      this.#writeWaiting();
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
    // Those that are not rendered yet came before.
    this.#render(Infinity);
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

/**
 * Characters that an event keeps until it is rendered, about; null: render it at once. Only events
 * that thousands of clients cause at the same moment have to wait.
 */
function charactersOf(event: LogEvent): number | null {
  switch (event.event) {
    case "connected":
      return (
        lineCharacters +
        lengthOf(event.peer.clientId) +
        lengthOf(event.username) +
        lengthOf(event.will?.topic)
      );
    case "ended":
      return (
        lineCharacters +
        lengthOf(event.peer.clientId) +
        lengthOf(event.detail) +
        lengthOf((event.will ?? event.refusedWill)?.topic)
      );
    case "will":
      return lineCharacters + event.clientId.length + event.will.topic.length;
    default:
      return null;
  }
}

function lengthOf(text: string | null | undefined): number {
  return text?.length ?? 0;
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
