import type { Copy } from "./copy.ts";
import type { Measured } from "./decision.ts";
import type { Message, Qos } from "./packet.ts";

/** A message that waits for its subscriber. */
export interface Queued {
  readonly message: Message;
  readonly copy: Copy;
}

export interface QueueLimits {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
}

/** What waits in all queues together. */
export interface QueueTotals {
  messages: number;
  bytes: number;
}

/** First in, first out, bounded. QoS 0 is what goes first when there is no room. */
export class Queue {
  readonly #limits: QueueLimits;
  readonly #totals: QueueTotals;
  #items: (Queued | undefined)[] = [];
  #head = 0;
  /** Place of the first of `#items`. */
  #base = 0;
  #count = 0;
  #bytes = 0;
  #qos0 = 0;
  #qos0Bytes = 0;

  constructor(limits: QueueLimits, totals: QueueTotals) {
    this.#limits = limits;
    this.#totals = totals;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Messages with QoS 0: others that come later have to wait behind them [v5-4.6.0-6]. */
  get qos0(): number {
    return this.#qos0;
  }

  /** Half of it is taken: whoever publishes more should wait, so that nothing has to be dropped. */
  get isCrowded(): boolean {
    const { queuedMessages, queuedBytes } = this.#limits;
    return this.#count * 2 >= queuedMessages || this.#bytes * 2 >= queuedBytes;
  }

  /** No more than a quarter is taken. */
  get isRoomy(): boolean {
    const { queuedMessages, queuedBytes } = this.#limits;
    return this.#count * 4 <= queuedMessages && this.#bytes * 4 <= queuedBytes;
  }

  /** The place that the next message to be pushed gets: they are counted, and none is used again. */
  get end(): number {
    return this.#base + this.#items.length;
  }

  /** The place of the message that is the first to leave; `end` when there is none. */
  get front(): number {
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined)
      this.#head += 1;
    return this.#base + this.#head;
  }

  /** Whether there is room for a message, or can be made: QoS 1 and 2 evict QoS 0. */
  accepts(message: Measured, qos: Qos): boolean {
    if (qos === 0) return this.#hasRoomFor(sizeOf(message));
    return this.#hasRoomFor(sizeOf(message) - this.#qos0Bytes, 1 - this.#qos0);
  }

  #hasRoomFor(bytes: number, messages = 1): boolean {
    const { queuedMessages, queuedBytes } = this.#limits;
    return this.#count + messages <= queuedMessages && this.#bytes + bytes <= queuedBytes;
  }

  /** Adds it if the queue takes it. Older QoS 0 messages make room for QoS 1 and 2 as far as they can. */
  push(item: Queued): { readonly stored: boolean; readonly evicted: number } {
    const { message, copy } = item;
    const stored = this.accepts(message, copy.qos);
    const bytes = sizeOf(message);
    let evicted = 0;
    if (copy.qos > 0 && bytes <= this.#limits.queuedBytes) {
      for (; this.#qos0 > 0 && !this.#hasRoomFor(bytes); evicted++) this.#dropOldestQos0();
    }
    if (!stored) return { stored, evicted };
    this.#items.push(item);
    this.#count += 1;
    this.#bytes += bytes;
    this.#totals.messages += 1;
    this.#totals.bytes += bytes;
    if (copy.qos === 0) {
      this.#qos0 += 1;
      this.#qos0Bytes += bytes;
    }
    return { stored, evicted };
  }

  /** All that wait, in order. */
  *items(): Generator<Queued, void, void> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }

  shift(): Queued | undefined {
    const item = this.#items[this.front - this.#base];
    if (item === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    this.#forget(item);
    this.#compact();
    return item;
  }

  clear(): void {
    this.#cut(this.#items.length);
    this.#totals.messages -= this.#count;
    this.#totals.bytes -= this.#bytes;
    this.#count = 0;
    this.#bytes = 0;
    this.#qos0 = 0;
    this.#qos0Bytes = 0;
  }

  #dropOldestQos0(): void {
    for (let place = this.#head; place < this.#items.length; place++) {
      const item = this.#items[place];
      if (item?.copy.qos !== 0) continue;
      this.#items[place] = undefined;
      this.#forget(item);
      return;
    }
  }

  #forget({ message, copy }: Queued): void {
    const bytes = sizeOf(message);
    this.#count -= 1;
    this.#bytes -= bytes;
    this.#totals.messages -= 1;
    this.#totals.bytes -= bytes;
    if (copy.qos > 0) return;
    this.#qos0 -= 1;
    this.#qos0Bytes -= bytes;
  }

  #compact(): void {
    if (this.#count === 0) this.#cut(this.#items.length);
    else if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#cut(this.#head);
  }

  #cut(places: number): void {
    this.#items = this.#items.slice(places);
    this.#base += places;
    this.#head = 0;
  }
}

function sizeOf({ topic, payload, properties }: Measured): number {
  return topic.length + payload.length + (properties?.length ?? 0);
}
