import type { Millis } from "../io.ts";
import { costs, type Memory, textBytes } from "../memory.ts";
import { type Message, payloadBytesOf, type PublishRun } from "../packet.ts";
import type { Session } from "../session.ts";
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
  readonly isWill: boolean;
  /** Of its publisher; null: the broker or its operator. */
  readonly clientId: string | null;
}

/** How much is kept. */
export interface RecentBounds {
  /** 0: none. */
  readonly messages: number;
  /** Of topics, payloads and properties. */
  readonly bytes: number;
  /**
   * Kept in one second at most, so that copies cost little under load. Null: any number, even while
   * memory is short, and not counted there, since a test has to see every message.
   */
  readonly perSecond: { readonly messages: number; readonly bytes: number } | null;
}

const mebibyte = 1024 * 1024;

/** More bytes than are kept are not worth copying in one second. */
const operatorsBounds: RecentBounds = {
  messages: 0,
  bytes: 8 * mebibyte,
  perSecond: { messages: 1000, bytes: 8 * mebibyte },
};

/** What is kept of a message. */
type Passing = Pick<
  Message,
  "topic" | "qos" | "retain" | "payload" | "payloadBytes" | "properties"
>;

/** Of one message for an operator; properties are decoded in one go when they are shown. */
const messageBytesMax = mebibyte;
const propertyBytesMax = 16 * 1024;

/** The last messages, for whoever asks and whoever waits for them. */
export class RecentMessages {
  readonly #bounds: RecentBounds;
  readonly #memory: Memory;
  /** By id, without gaps. */
  readonly #kept = new Map<number, RecentMessage>();
  /** The oldest that is kept. */
  #firstId = 1;
  lastId = 0;
  /** Messages that were not kept: too many in a second, too large, or memory was short. */
  missed = 0;
  #bytes = 0;
  #second = -Infinity;
  #inSecond = { messages: 0, bytes: 0 };
  readonly #listeners = new Set<(message: RecentMessage) => void>();

  /** Default bounds: those for an operator, and none is kept. */
  constructor(bounds: Partial<RecentBounds>, memory: Memory) {
    this.#bounds = { ...operatorsBounds, ...bounds };
    this.#memory = memory;
  }

  /** A message was published. `publisher` null: by the broker or its operator. */
  passed(message: Passing, publisher: Session | null, isWill: boolean, now: Millis): void {
    const { messages, perSecond } = this.#bounds;
    // The broker's own would push out all others.
    if (messages === 0 || (perSecond !== null && isServerOwned(message.topic))) return;
    if (!this.#keeps(message, now)) {
      this.missed += 1;
      return;
    }
    const { topic, qos, retain } = message;
    const kept: RecentMessage = {
      id: ++this.lastId,
      ...{ at: now, topic, qos, retain, isWill },
      payload: message.payload.slice(),
      properties: message.properties?.slice() ?? null,
      clientId: publisher?.clientId ?? null,
    };
    this.#kept.set(kept.id, kept);
    this.#take(kept, 1);
    while (this.#kept.size > messages || this.#bytes > this.#bounds.bytes) {
      this.#dropFirst();
    }
    for (const listener of this.#listeners) listener(kept);
  }

  /** As `passed` for the first `count` messages of a run. */
  passedRun(run: PublishRun, count: number, publisher: Session, now: Millis): void {
    if (this.#bounds.messages === 0) return;
    const { topic, qos } = run;
    for (let at = 0; at < count; at++) {
      // Under load nearly all are too many.
      if (this.#isFull(now)) {
        this.missed += count - at;
        return;
      }
      const message = { topic, qos, retain: false, payload: run.payload(at), properties: null };
      this.passed(message, publisher, false, now);
    }
  }

  /** Whether none is kept any more in this second. */
  #isFull(now: Millis): boolean {
    const { perSecond } = this.#bounds;
    if (perSecond === null || now - this.#second >= 1000) return false;
    const inSecond = this.#inSecond;
    return inSecond.messages >= perSecond.messages || inSecond.bytes >= perSecond.bytes;
  }

  #keeps(message: Passing, now: Millis): boolean {
    const { perSecond } = this.#bounds;
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#inSecond = { messages: 0, bytes: 0 };
    }
    const inSecond = this.#inSecond;
    // Under load nearly all are too many, so ask that first.
    if (perSecond !== null) {
      if (inSecond.messages >= perSecond.messages) return false;
      if (inSecond.bytes >= perSecond.bytes) return false;
    }
    const { topic, properties } = message;
    const bytes = textBytes(topic) + payloadBytesOf(message) + (properties?.length ?? 0);
    if (bytes > this.#bounds.bytes) return false;
    if (perSecond === null) return true;
    const isLarge = bytes > messageBytesMax || (properties?.length ?? 0) > propertyBytesMax;
    if (isLarge || this.#memory.takes("expire")) return false;
    inSecond.messages += 1;
    inSecond.bytes += bytes;
    return true;
  }

  /** Called with each message that is kept. Returns a function that stops that. */
  listen(listener: (message: RecentMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Newest first, those behind an id; later ones are left out, and those that are forgotten by then. */
  *newestFirst(after: number): Generator<RecentMessage, void, void> {
    for (let id = this.lastId; id > after; id--) {
      const kept = this.#kept.get(id);
      if (kept === undefined) return;
      yield kept;
    }
  }

  forget(): void {
    while (this.#kept.size > 0) this.#dropFirst();
  }

  #dropFirst(): void {
    const first = this.#kept.get(this.#firstId);
    this.#kept.delete(this.#firstId);
    this.#firstId += 1;
    if (first !== undefined) this.#take(first, -1);
  }

  #take({ topic, payload, properties }: RecentMessage, sign: 1 | -1): void {
    const bytes = textBytes(topic) + payload.length + (properties?.length ?? 0);
    this.#bytes += sign * bytes;
    if (this.#bounds.perSecond !== null) {
      this.#memory.records.take(sign * (costs.recentMessage + bytes));
    }
  }
}
