import { matches } from "../../core/topic.ts";
import type { EventHub, RenderedEvent } from "../event-hub.ts";

export interface StreamQuery {
  readonly client?: string | undefined;
  /** An MQTT filter; matches events that name a topic. */
  readonly topic?: string | undefined;
  readonly event?: string | undefined;
}

const heartbeatMs = 15_000;

/** A stream was cut off for another reader; its HTTP answer must break off too. */
export class StreamEvicted extends Error {
  override name = "StreamEvicted";
}

/**
 * Server-sent events for one reader, until it closes or the broker stops. At most `maxBytes` wait
 * for it; further events are dropped, and a `missed` event gives their number. If another reader
 * needs its place, the stream fails with StreamEvicted.
 */
export function eventStream(
  hub: EventHub,
  query: StreamQuery,
  maxBytes: number,
): ReadableStream<Uint8Array> {
  const waiting = new WaitingEvents(maxBytes, () => (hub.missed += 1));
  let stop = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      start() {
        waiting.comment("mqttd");
        const heartbeat = setInterval(() => waiting.comment("still here"), heartbeatMs);
        const end = hub.listen(
          (rendered) => {
            if (matchesQuery(rendered, query)) waiting.add(rendered.json);
          },
          {
            trace: query.event === "packet",
            onClose: () => stop(),
            onEvicted: () => {
              waiting.evict();
              stop();
            },
            waitingSince: () => waiting.since,
          },
        );
        stop = () => {
          clearInterval(heartbeat);
          end();
          waiting.end();
        };
      },
      async pull(controller) {
        const bytes = await waiting.take();
        if (waiting.isEvicted) controller.error(new StreamEvicted("the reader took no data"));
        else if (bytes === null) controller.close();
        else controller.enqueue(bytes);
      },
      cancel: () => stop(),
    },
    // No queue in the stream itself, so that waiting bytes are counted in one place.
    { highWaterMark: 0 },
  );
}

/** Bounded queue of one reader; the reader takes all of it at once. */
class WaitingEvents {
  readonly #maxBytes: number;
  readonly #onMissed: () => void;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #ids = 0;
  #missed = 0;
  #isOver = false;
  isEvicted = false;
  /** Since when the oldest data waits; null: the queue is empty, or the reader is taking it. */
  since: number | null = null;
  #wake: (() => void) | null = null;

  constructor(maxBytes: number, onMissed: () => void) {
    this.#maxBytes = maxBytes;
    this.#onMissed = onMissed;
  }

  add(json: Uint8Array): void {
    if (this.#missed > 0 || this.#bytes + json.length > this.#maxBytes) {
      this.#missed += 1;
      this.#onMissed();
      this.#startWaiting();
      // If the queue is empty, wake the reader for the `missed` event alone.
      this.#wake?.();
      return;
    }
    this.#ids += 1;
    this.#push(encoder.encode(`id: ${this.#ids}\ndata: `), json, twoLines);
  }

  /** Sends a sign of life to the reader and any proxy, if nothing else waits. */
  comment(text: string): void {
    if (this.#isEmpty) this.#push(encoder.encode(`: ${text}\n\n`));
  }

  /** Drops the queue; the stream then fails with StreamEvicted. */
  evict(): void {
    this.isEvicted = true;
    this.#pieces = [];
    this.#bytes = 0;
    this.#missed = 0;
  }

  end(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  /** Resolves to all waiting bytes, one turn after the first arrived; null: the end. */
  async take(): Promise<Uint8Array | null> {
    this.since = null;
    if (this.#isEmpty && !this.#isOver) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = () => void setImmediate(resolve);
      await promise;
      this.#wake = null;
    }
    if (this.#isEmpty) return null;
    if (this.#missed > 0) {
      this.#pieces.push(encoder.encode(`event: missed\ndata: ${this.#missed}\n\n`));
      this.#missed = 0;
    }
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    this.since = null;
    return all;
  }

  get #isEmpty(): boolean {
    return this.#bytes === 0 && this.#missed === 0;
  }

  /** Notes the time if no reader is waiting in `take`. */
  #startWaiting(): void {
    if (this.#wake === null) this.since ??= performance.now();
  }

  #push(...pieces: readonly Uint8Array[]): void {
    if (this.#isOver) return;
    this.#startWaiting();
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
    }
    this.#wake?.();
  }
}

const encoder = new TextEncoder();
const twoLines = encoder.encode("\n\n");

function matchesQuery(rendered: RenderedEvent, { event, client, topic }: StreamQuery): boolean {
  const { event: name } = rendered.event;
  if (event === undefined ? name === "packet" : name !== event) return false;
  if (client !== undefined && rendered.facts["client"] !== client) return false;
  return topic === undefined || topicsOf(rendered.facts).some((found) => matches(topic, found));
}

/** The topics and filters that an event names. */
function topicsOf(facts: Readonly<Record<string, unknown>>): string[] {
  const will: unknown = facts["will"];
  const inWill = typeof will === "object" && will !== null && "topic" in will ? will.topic : null;
  return [facts["topic"], facts["filter"], inWill].filter((topic) => typeof topic === "string");
}
