import type { EventLine } from "../admin/api.ts";
import type { Millis } from "../core/io.ts";
import { levelOf, type Level, type LogEvent } from "../log/events.ts";
import { record } from "../log/record.ts";
import { plainSentence } from "../log/render.ts";
import type { EventLog } from "./driver.ts";

/**
 * One event for all who look at it, rendered once, and only if somebody wants it. To be read before
 * the listener returns: the buffers of its input are used again then.
 */
export class SeenEvent {
  readonly event: LogEvent;
  readonly at: Millis;
  #facts: Readonly<Record<string, unknown>> | null = null;
  #json: Uint8Array | null = null;

  constructor(event: LogEvent, at: Millis) {
    this.event = event;
    this.at = at;
  }

  get facts(): Readonly<Record<string, unknown>> {
    this.#facts ??= record(this.event, this.at);
    return this.#facts;
  }

  /** An EventLine as UTF-8, without line breaks; the same bytes for everybody. */
  get json(): Uint8Array {
    this.#json ??= encoder.encode(JSON.stringify(eventLine(this.event, this.at, this.facts)));
    return this.#json;
  }
}

const encoder = new TextEncoder();

/** An event as a person and a program read it. */
export function eventLine(event: LogEvent, at: Millis, facts = record(event, at)): EventLine {
  return {
    at,
    level: levelOf(event),
    event: event.event,
    text: plainSentence(event, at),
    facts,
  };
}

type Listener = (seen: SeenEvent) => void;

/** Passes events on to the log and to whoever looks at the moment. Without one it costs nothing. */
export class EventHub implements EventLog {
  readonly #log: EventLog;
  readonly #listeners = new Set<Listener>();
  readonly #onClose = new Set<() => void>();
  #tracers = 0;
  /** Events that streams could not take in since the start. */
  missed = 0;
  /** Called when somebody begins to want packets, or nobody does any more. */
  onTrace: () => void = () => {};

  constructor(log: EventLog) {
    this.#log = log;
  }

  note(event: LogEvent, at: Millis): void {
    this.#log.note(event, at);
    if (this.#listeners.size === 0) return;
    const seen = new SeenEvent(event, at);
    for (const listener of this.#listeners) listener(seen);
  }

  wants(level: Level): boolean {
    return this.#log.wants(level) || (level === "debug" && this.#tracers > 0);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** `trace`: every packet too. `onClose`: nothing more is to come. Returns what ends it. */
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
