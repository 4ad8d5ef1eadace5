import type { Message, Qos } from "./packet.ts";
import type { Subscription } from "./subscriptions.ts";

/** A message that waits for its subscriber. */
export interface Queued {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | null;
  /** The shared subscription by which it came; null: by ordinary ones. */
  readonly shared: Subscription | null;
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

  /** Takes it in, at the price of older QoS 0 messages if need be; or not, when there is no room. */
  push(item: Queued): { readonly stored: boolean; readonly evicted: number } {
    let evicted = 0;
    const bytes = sizeOf(item);
    if (bytes > this.#limits.queuedBytes) return { stored: false, evicted };
    while (
      this.#count + 1 > this.#limits.queuedMessages ||
      this.#bytes + bytes > this.#limits.queuedBytes
    ) {
      if (item.qos === 0 || this.#qos0 === 0) return { stored: false, evicted };
      this.#dropOldestQos0();
      evicted += 1;
    }
    this.#items.push(item);
    this.#count += 1;
    this.#bytes += bytes;
    this.#totals.messages += 1;
    this.#totals.bytes += bytes;
    if (item.qos === 0) this.#qos0 += 1;
    return { stored: true, evicted };
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
  }

  #dropOldestQos0(): void {
    for (let place = this.#head; place < this.#items.length; place++) {
      const item = this.#items[place];
      if (item?.qos !== 0) continue;
      this.#items[place] = undefined;
      this.#forget(item);
      return;
    }
  }

  #forget(item: Queued): void {
    const bytes = sizeOf(item);
    this.#count -= 1;
    this.#bytes -= bytes;
    this.#totals.messages -= 1;
    this.#totals.bytes -= bytes;
    if (item.qos === 0) this.#qos0 -= 1;
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

function sizeOf(item: Queued): number {
  const { topic, payload, properties } = item.message;
  return topic.length + payload.length + (properties?.length ?? 0);
}
