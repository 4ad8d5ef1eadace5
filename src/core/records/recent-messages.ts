import type { Millis } from "../io.ts";
import { costs, type Memory, textBytes } from "../memory.ts";
import { type Message, payloadBytesOf } from "../packet.ts";
import { isServerOwned } from "../topic.ts";

/** A message that was published lately: a copy. */
export interface RecentMessage {
  /** Counts up from 1. */
  readonly id: number;
  readonly at: Millis;
  readonly topic: string;
  readonly qos: Message["qos"];
  readonly retain: boolean;
  readonly payload: Uint8Array;
  /** See Message.properties. */
  readonly properties: Uint8Array | null;
  readonly expiresAt: Millis | null;
}

/** Messages that are kept in one second: under load the cost of copies stays small. */
const perSecond = 1000;
/** Bytes of all kept messages, and of one. */
const bytesMax = 8 * 1024 * 1024;
const messageBytesMax = 1024 * 1024;

/** The last messages, in a ring of `most`. */
export class RecentMessages {
  readonly #most: number;
  readonly #memory: Memory;
  readonly #ring: (RecentMessage | undefined)[] = [];
  /** The oldest that is kept. */
  #firstId = 1;
  lastId = 0;
  /** Messages that were not kept: too many in a second, too large, or memory was short. */
  missed = 0;
  #bytes = 0;
  #second = -Infinity;
  #inSecond = 0;

  /** `most` 0: none is kept. */
  constructor(most: number, memory: Memory) {
    this.#most = most;
    this.#memory = memory;
  }

  passed(message: Message, now: Millis): void {
    // The broker's own messages would push out all others.
    if (this.#most === 0 || isServerOwned(message.topic)) return;
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#inSecond = 0;
    }
    this.#inSecond += 1;
    if (this.#inSecond > perSecond) {
      this.missed += 1;
      return;
    }
    const { topic, qos, retain, expiresAt } = message;
    const isShort = this.#memory.takes("expire");
    if (isShort) this.forget();
    if (payloadBytesOf(message) > messageBytesMax || isShort) {
      this.missed += 1;
      return;
    }
    const payload = message.payload.slice();
    const properties = message.properties?.slice() ?? null;
    this.lastId += 1;
    const kept = { id: this.lastId, at: now, topic, qos, retain, payload, properties, expiresAt };
    this.#take(bytesOf(kept));
    if (this.lastId - this.#firstId >= this.#most) this.#dropFirst();
    this.#ring[this.lastId % this.#most] = kept;
    while (this.#bytes > bytesMax) this.#dropFirst();
  }

  /** Oldest first, those behind an id. */
  *after(id: number): Generator<RecentMessage, void, void> {
    for (let at = Math.max(id + 1, this.#firstId); at <= this.lastId; at++) {
      const kept = this.#ring[at % this.#most];
      if (kept !== undefined && kept.id === at) yield kept;
    }
  }

  forget(): void {
    while (this.#firstId <= this.lastId) this.#dropFirst();
  }

  #dropFirst(): void {
    const place = this.#firstId % this.#most;
    const first = this.#ring[place];
    this.#firstId += 1;
    if (first === undefined) return;
    this.#take(-bytesOf(first));
    this.#ring[place] = undefined;
  }

  #take(bytes: number): void {
    this.#bytes += bytes;
    this.#memory.messages.take(bytes);
  }
}

function bytesOf({ topic, payload, properties }: RecentMessage): number {
  return costs.message + textBytes(topic) + payload.length + (properties?.length ?? 0);
}
