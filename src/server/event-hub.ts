import type { Millis } from "../core/io.ts";
import type { Level, LogEvent } from "../log/events.ts";
import type { EventLog } from "./driver.ts";

/** Called with each event before its inputs' buffers are used again: what is kept must be copied. */
export type Listener = (event: LogEvent, at: Millis) => void;

/** Passes events on to the log and to whoever looks at the moment. Without one it costs a loop of none. */
export class EventHub implements EventLog {
  readonly #log: EventLog;
  readonly #listeners = new Set<Listener>();
  readonly #onClose = new Set<() => void>();
  #tracers = 0;
  /** Called when somebody begins to want packets, or nobody does any more. */
  onTrace: () => void = () => {};

  constructor(log: EventLog) {
    this.#log = log;
  }

  note(event: LogEvent, at: Millis): void {
    this.#log.note(event, at);
    for (const listener of this.#listeners) listener(event, at);
  }

  wants(level: Level): boolean {
    return this.#log.wants(level) || (level === "debug" && this.#tracers > 0);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** `trace`: every packet too. Returns what ends it. */
  listen(listener: Listener, { trace = false, onClose = (): void => {} } = {}): () => void {
    this.#listeners.add(listener);
    this.#onClose.add(onClose);
    this.#trace(trace ? 1 : 0);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#listeners.delete(listener);
      this.#onClose.delete(onClose);
      this.#trace(trace ? -1 : 0);
    };
  }

  /** The broker stops: nothing more is to come. */
  close(): void {
    for (const onClose of [...this.#onClose]) onClose();
  }

  #trace(change: number): void {
    if (change === 0) return;
    this.#tracers += change;
    this.onTrace();
  }
}
