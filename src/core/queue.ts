import { assert } from "./assert.ts";
import type { Copy } from "./copy.ts";
import type { Measured } from "./decision.ts";
import { costs, messageBytes, type Memory } from "./memory.ts";
import type { Message, Qos } from "./packet.ts";
import type { SessionJournal } from "./session-journal.ts";

/** A queued message and the copy to send. */
export interface Queued {
  readonly message: Message;
  readonly copy: Copy;
}

export interface QueueLimits {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
}

/** Totals of all queues together. */
export interface QueueTotals {
  messages: number;
  bytes: number;
}

/** The items of every queue that never had any; not to be changed. */
const noItems: (Queued | undefined)[] = [];

/** A bounded FIFO queue. A full queue drops QoS 0 messages first. */
export class Queue {
  readonly #limits: QueueLimits;
  readonly #totals: QueueTotals;
  readonly #memory: Memory;
  readonly #journal: SessionJournal | null;
  #items = noItems;
  #head = 0;
  /** Place of `#items[0]`. */
  #base = 0;
  #count = 0;
  #bytes = 0;
  #qos0 = 0;
  #qos0Bytes = 0;

  constructor(
    limits: QueueLimits,
    totals: QueueTotals,
    memory: Memory,
    journal: SessionJournal | null = null,
  ) {
    this.#journal = journal;
    this.#limits = limits;
    this.#totals = totals;
    this.#memory = memory;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory, with all of each message, whoever else keeps it. */
  get held(): number {
    let bytes = this.#count * costs.queued;
    for (const { message } of this.items()) bytes += messageBytes(message);
    return bytes;
  }

  /** QoS 0 messages in the queue, which later ones must not overtake [v5-4.6.0-6]. */
  get qos0(): number {
    return this.#qos0;
  }

  /** At least half full: hold publishers now, so that nothing has to be dropped. */
  get isCrowded(): boolean {
    const { queuedMessages, queuedBytes } = this.#limits;
    return this.#count * 2 >= queuedMessages || this.#bytes * 2 >= queuedBytes;
  }

  /** At most a quarter full. */
  get isRoomy(): boolean {
    const { queuedMessages, queuedBytes } = this.#limits;
    return this.#count * 4 <= queuedMessages && this.#bytes * 4 <= queuedBytes;
  }

  /** The place that the next pushed message gets. Places count up and are never reused. */
  get end(): number {
    return this.#base + this.#items.length;
  }

  /** The place of the next message to leave; `end` if the queue is empty. */
  get front(): number {
    while (this.#head < this.#items.length && this.#items[this.#head] === undefined)
      this.#head += 1;
    return this.#base + this.#head;
  }

  /** Whether a message fits, for QoS 1 and 2 after evicting QoS 0 messages. */
  accepts(message: Measured, qos: Qos): boolean {
    if (qos === 0) return this.#hasRoomFor(sizeOf(message));
    return this.#hasRoomFor(sizeOf(message) - this.#qos0Bytes, 1 - this.#qos0);
  }

  #hasRoomFor(bytes: number, messages = 1): boolean {
    const { queuedMessages, queuedBytes } = this.#limits;
    return this.#count + messages <= queuedMessages && this.#bytes + bytes <= queuedBytes;
  }

  /**
   * Adds a message if it fits. QoS 1 and 2 evict older QoS 0 messages, even if that is not enough.
   */
  push(item: Queued): { readonly stored: boolean; readonly evicted: number } {
    const { message, copy } = item;
    const stored = this.accepts(message, copy.qos);
    const bytes = sizeOf(message);
    let evicted = 0;
    if (copy.qos > 0 && bytes <= this.#limits.queuedBytes) {
      for (; this.#qos0 > 0 && !this.#hasRoomFor(bytes); evicted++) this.#dropOldestQos0();
    }
    if (stored) this.#append(item, bytes);
    return { stored, evicted };
  }

  /** Adds a message at a later place than all others, whatever the limits. */
  restore(item: Queued, place: number): void {
    if (this.#items === noItems) this.#base = place;
    while (this.end < place) this.#items.push(undefined);
    assert(this.end === place, "messages are restored in their order");
    this.#append(item, sizeOf(item.message));
  }

  #append(item: Queued, bytes: number): void {
    const { message, copy } = item;
    this.#memory.hold(message);
    this.#memory.queues.take(costs.queued);
    if (this.#items === noItems) this.#items = [];
    this.#items.push(item);
    this.#count += 1;
    this.#bytes += bytes;
    this.#totals.messages += 1;
    this.#totals.bytes += bytes;
    if (copy.qos === 0) {
      this.#qos0 += 1;
      this.#qos0Bytes += bytes;
    } else if (this.#journal !== null) this.#journal.queueChanged(this.end - 1, message);
  }

  /** All messages, in order. */
  *items(): Generator<Queued, void, void> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }

  /** Places of messages of QoS 1 and 2. */
  *places(): Generator<number, void, void> {
    for (const [index, item] of this.#items.entries()) {
      if (item !== undefined && item.copy.qos > 0) yield this.#base + index;
    }
  }

  /** The message at a place; undefined: it has left. */
  at(place: number): Queued | undefined {
    return this.#items[place - this.#base];
  }

  /** Removes a message from the middle of the queue. */
  removeAt(place: number): void {
    const item = this.at(place);
    if (item === undefined) return;
    this.#items[place - this.#base] = undefined;
    this.#forget(item, place);
    this.#compact();
  }

  shift(): Queued | undefined {
    const item = this.#items[this.front - this.#base];
    if (item === undefined) return undefined;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    this.#forget(item, this.#base + this.#head - 1);
    this.#compact();
    return item;
  }

  clear(): void {
    if (this.#items === noItems) return;
    for (const { message } of this.items()) this.#memory.release(message);
    this.#memory.queues.give(this.#count * costs.queued);
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
      this.#forget(item, this.#base + place);
      return;
    }
  }

  #forget({ message, copy }: Queued, place: number): void {
    const bytes = sizeOf(message);
    this.#memory.release(message);
    this.#memory.queues.give(costs.queued);
    this.#count -= 1;
    this.#bytes -= bytes;
    this.#totals.messages -= 1;
    this.#totals.bytes -= bytes;
    if (copy.qos > 0) {
      this.#journal?.queueChanged(place, message);
      return;
    }
    this.#qos0 -= 1;
    this.#qos0Bytes -= bytes;
  }

  #compact(): void {
    if (this.#count === 0) this.#cut(this.#items.length);
    else if (this.#head > 1024 && this.#head * 2 > this.#items.length) this.#cut(this.#head);
  }

  #cut(places: number): void {
    this.#items = places === this.#items.length ? noItems : this.#items.slice(places);
    this.#base += places;
    this.#head = 0;
  }
}

function sizeOf({ topic, payload, properties }: Measured): number {
  return topic.length + payload.length + (properties?.length ?? 0);
}
