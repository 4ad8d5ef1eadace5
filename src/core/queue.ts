import type { Message, Qos } from "./packet.ts";

/** A message that waits for its subscriber. */
export interface Queued {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly identifiers: readonly number[] | null;
}

export interface QueueLimits {
  readonly queuedMessages: number;
  readonly queuedBytes: number;
}

/** First in, first out, bounded. QoS 0 is what goes first when there is no room. */
export class Queue {
  readonly #limits: QueueLimits;
  #items: (Queued | undefined)[] = [];
  #head = 0;
  #count = 0;
  #bytes = 0;
  #qos0 = 0;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** QoS 0 that comes later has to wait behind it [v5-4.6.0-6]. */
  get hasQos0(): boolean {
    return this.#qos0 > 0;
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
    if (item.qos === 0) this.#qos0 += 1;
    return { stored: true, evicted };
  }

  shift(): Queued | undefined {
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head];
      this.#items[this.#head] = undefined;
      this.#head += 1;
      if (item === undefined) continue;
      this.#forget(item);
      this.#compact();
      return item;
    }
    return undefined;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
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
    this.#count -= 1;
    this.#bytes -= sizeOf(item);
    if (item.qos === 0) this.#qos0 -= 1;
  }

  #compact(): void {
    if (this.#count === 0) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }
}

function sizeOf(item: Queued): number {
  const { topic, payload, properties } = item.message;
  return topic.length + payload.length + (properties?.length ?? 0);
}
