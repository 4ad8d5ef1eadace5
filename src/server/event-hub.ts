import type { EventLine, StreamedEvent } from "../api/api.ts";
import type { Millis } from "../core/io.ts";
import { levelOf, type Level, type LogEvent } from "../log/events.ts";
import { record } from "../log/record.ts";
import { sentence } from "../log/sentence.ts";
import { type Part, unpainted } from "../log/tone.ts";
import type { EventLog } from "./driver/driver.ts";
import { slowest } from "./slowest.ts";

/**
 * One event for all listeners, rendered once, on demand. A listener must read it before it returns:
 * the driver then reuses the input's buffers.
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

  /** A StreamedEvent as UTF-8 without line breaks; all listeners share the bytes. */
  get json(): Uint8Array {
    this.#json ??= encoder.encode(JSON.stringify(streamedEvent(this.event, this.at, this.facts)));
    return this.#json;
  }
}

const encoder = new TextEncoder();

/** An event as a sentence and as fields. */
export function eventLine(event: LogEvent, at: Millis): EventLine {
  return lineOf(event, at, sentence(event, at), record(event, at));
}

/** As `eventLine`, with the tones of the sentence's parts. */
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

/** The hub's view of a listener. */
interface Reader {
  readonly onEvent: Listener;
  /** The hub closes: no more events. */
  readonly onClose: () => void;
  /** Another reader needs its place. */
  readonly onEvicted: () => void;
  /** Since when data waits that it has not taken, monotonic milliseconds; null: it keeps up. */
  readonly waitingSince: () => number | null;
}

/** Passes events to the log and to current listeners. Without listeners it costs nothing. */
export class EventHub implements EventLog {
  readonly #log: EventLog;
  readonly #readers = new Set<Reader>();
  #tracers = 0;
  /** Events dropped because a stream was full, since the start. */
  missed = 0;
  /** Called when the number of listeners that trace packets changes. */
  onTrace: () => void = () => {};

  constructor(log: EventLog) {
    this.#log = log;
  }

  note(event: LogEvent, at: Millis): void {
    this.#log.note(event, at);
    if (this.#readers.size === 0) return;
    const rendered = new RenderedEvent(event, at);
    for (const { onEvent } of this.#readers) onEvent(rendered);
  }

  logs(level: Level): boolean {
    return this.#log.logs(level) || (level === "debug" && this.#tracers > 0);
  }

  get listening(): number {
    return this.#readers.size;
  }

  /** `trace`: every packet too. Returns a function that stops listening. */
  listen(
    onEvent: Listener,
    {
      trace = false,
      onClose = (): void => {},
      onEvicted = (): void => {},
      waitingSince = (): number | null => null,
    } = {},
  ): () => void {
    const reader: Reader = { onEvent, onClose, onEvicted, waitingSince };
    this.#readers.add(reader);
    this.#trace(trace ? 1 : 0);
    return () => {
      if (this.#readers.delete(reader)) this.#trace(trace ? -1 : 0);
    };
  }

  /** Evicts the reader that has taken nothing for the longest time. False: all readers keep up. */
  evictSlowest(now = performance.now()): boolean {
    const evicted = slowest(this.#readers, (reader) => reader.waitingSince(), now);
    evicted?.onEvicted();
    return evicted !== null;
  }

  /** Ends all readers: the broker stops. */
  close(): void {
    for (const { onClose } of [...this.#readers]) onClose();
  }

  #trace(change: number): void {
    if (change === 0) return;
    this.#tracers += change;
    this.onTrace();
  }
}
