import type { Books } from "./books.ts";
import { demand } from "./books.ts";
import type { Publication } from "./session.ts";

/**
 * The last accepted retained message of each topic [v5-3.3.1-5] to -7, and those that are due to
 * subscriptions.
 */
export class Retained {
  readonly #books: Books;
  readonly topics = new Map<string, Publication>();
  /** Topics of messages for which the broker reported no room, in the current call. */
  readonly #refused = new Set<string>();
  #before: Publication | undefined = undefined;
  #lastStored: string | null = null;

  constructor(books: Books) {
    this.#books = books;
  }

  clear(): void {
    this.topics.clear();
    this.#refused.clear();
    this.#lastStored = null;
  }

  restored(topics: ReadonlyMap<string, Publication>): void {
    this.clear();
    for (const [topic, publication] of topics) this.topics.set(topic, publication);
  }

  published(publication: Publication): void {
    const { topic, payloadBytes } = publication;
    if (payloadBytes === 0) {
      this.topics.delete(topic);
      return;
    }
    if (this.#refused.delete(topic)) return;
    this.#before = this.topics.get(topic);
    this.#lastStored = topic;
    this.topics.set(topic, publication);
  }

  /**
   * The broker reports that there was no room; for a will it does so before it reports the
   * publication.
   */
  full(topic: string, isWill: boolean, now: number): void {
    const { limits, stopping } = this.#books;
    const isFull = this.isPerhapsFull(now);
    // A stop reports its wills, and which of them are retained, after all are published.
    const isTold = !stopping && limits.retainedBytes >= 2000;
    demand(isFull || !isTold, "retained messages are refused where there is no room", {
      topic,
      held: this.topics.size,
    });
    if (isWill || this.#lastStored !== topic) {
      this.#refused.add(topic);
      return;
    }
    if (this.#before === undefined) this.topics.delete(topic);
    else this.topics.set(topic, this.#before);
    this.#lastStored = null;
  }

  /** Messages that have expired make room. `more`: bytes of a further one. */
  isPerhapsFull(now: number, more = 0): boolean {
    const { limits, shortage } = this.#books;
    if (shortage.isFrom(0.75, more + roomOfOne)) return true;
    let [messages, bytes] = [0, more];
    for (const publication of this.topics.values()) {
      if (publication.expiresAt <= now) continue;
      messages += 1;
      bytes += sizeOf(publication);
    }
    return messages + 1 >= limits.retainedMessages || bytes * 2 >= limits.retainedBytes;
  }

  settle(): void {
    this.#refused.clear();
    this.#lastStored = null;
  }

  /** The retained messages due to a new subscription. */
  matching(matches: (topic: string) => boolean, now: number): Map<string, Publication> {
    const found = new Map<string, Publication>();
    for (const [topic, publication] of this.topics) {
      if (publication.expiresAt > now && matches(topic)) found.set(topic, publication);
    }
    return found;
  }

  isCurrent(topic: string, key: number, now: number): Publication | null {
    const current = this.topics.get(topic);
    if (current === undefined || current.key !== key || current.expiresAt <= now) return null;
    return current;
  }
}

/** Bytes: more than a retained message takes. */
const roomOfOne = 25_000;

function sizeOf({ topic, payloadBytes, propertyBytes }: Publication): number {
  return topic.length * 2 + payloadBytes + propertyBytes;
}
