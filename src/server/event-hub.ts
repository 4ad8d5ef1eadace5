import type { EventLine, StreamedEvent } from "../api/api.ts";
import type { Millis } from "../core/io.ts";
import { levelOf, type Level, type LogEvent } from "../log/events.ts";
import { record } from "../log/record.ts";
import { sentence } from "../log/sentence.ts";
import { type Part, unpainted } from "../log/tone.ts";
import type { EventLog } from "./driver/driver.ts";

/**
 * One event for all who look at it, rendered once, and only if somebody wants it. To be read before
 * the listener returns: the buffers of its input are used again then.
 */
export class RenderedEvent {
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

  /** A StreamedEvent as UTF-8, without line breaks; the same bytes for everybody. */
  get json(): Uint8Array {
    this.#json ??= encoder.encode(JSON.stringify(streamedEvent(this.event, this.at, this.facts)));
    return this.#json;
  }
}

const encoder = new TextEncoder();

/** An event as a person and a program read it. */
export function eventLine(event: LogEvent, at: Millis): EventLine {
  return lineOf(event, at, sentence(event, at), record(event, at));
}

/** The same, for readers who show what the parts of its sentence mean. */
export function streamedEvent(
  event: LogEvent,
  at: Millis,
  facts = record(event, at),
): StreamedEvent {
  const parts = sentence(event, at);
  const line = lineOf(event, at, parts, facts);
  if (parts.every(({ tone }) => tone === null)) return line;
  return { ...line, tones: parts.map(({ text, tone }) => ({ length: text.length, tone })) };
}

function lineOf(
  event: LogEvent,
  at: Millis,
  parts: readonly Part[],
  facts: EventLine["facts"],
): EventLine {
  return { at, level: levelOf(event), event: event.event, text: unpainted(parts), facts };
}

type Listener = (rendered: RenderedEvent) => void;

/** Who listens, as far as the hub has to know. */
interface Reader {
  /** Nothing more is to come. */
  readonly onClose: () => void;
  /** Its place is needed by another one. */
  readonly onEvicted: () => void;
  /** Since when something waits that it does not take; null: it keeps up. Monotonic milliseconds. */
  readonly waitingSince: () => number | null;
}

/** For so long a reader may take nothing before another one may have its place. */
const graceMs = 1000;

/** Passes events on to the log and to whoever looks at the moment. Without one it costs nothing. */
export class EventHub implements EventLog {
  readonly #log: EventLog;
  readonly #listeners = new Set<Listener>();
  readonly #readers = new Set<Reader>();
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
    const rendered = new RenderedEvent(event, at);
    for (const listener of this.#listeners) listener(rendered);
  }

  logs(level: Level): boolean {
    return this.#log.logs(level) || (level === "debug" && this.#tracers > 0);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** `trace`: every packet too. Returns what ends it. */
  listen(
    listener: Listener,
    {
      trace = false,
      onClose = (): void => {},
      onEvicted = (): void => {},
      waitingSince = (): number | null => null,
    } = {},
  ): () => void {
    const reader: Reader = { onClose, onEvicted, waitingSince };
    this.#listeners.add(listener);
    this.#readers.add(reader);
    this.#trace(trace ? 1 : 0);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#listeners.delete(listener);
      this.#readers.delete(reader);
      this.#trace(trace ? -1 : 0);
    };
  }

  /** Evicts the reader that has taken nothing for the longest time. False: all of them keep up. */
  evictSlowest(now = performance.now()): boolean {
    let slowest: Reader | null = null;
    let since = now - graceMs;
    for (const reader of this.#readers) {
      const own = reader.waitingSince();
      if (own === null || own > since) continue;
      slowest = reader;
      since = own;
    }
    slowest?.onEvicted();
    return slowest !== null;
  }

  /** The broker stops: nothing more is to come. */
  close(): void {
    for (const { onClose } of [...this.#readers]) onClose();
  }

  #trace(change: number): void {
    if (change === 0) return;
    this.#tracers += change;
    this.onTrace();
  }
}
