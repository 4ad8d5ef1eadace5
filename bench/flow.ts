import type { Publisher } from "./publisher.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * One publisher and its subscribers. A message is in flight from the write that carries it until the
 * last subscriber has it; at most `window` messages are. So the benchmark does not measure how fast a
 * broker fills its queues, or drops from them.
 */
export class Flow {
  publisher: Publisher | null = null;
  readonly subscribers: Subscriber[] = [];
  readonly #window: number;
  /** The least number of messages that a subscriber has, and the number of subscribers at that count. */
  #leastCount = 0;
  #atLeast = 0;
  #running = false;

  constructor(window: number) {
    this.#window = window;
  }

  start(): void {
    this.#atLeast = this.subscribers.length;
    this.#running = true;
    this.refill();
  }

  stop(): void {
    this.#running = false;
  }

  /** A subscriber that had `before` messages has `after` of them. */
  arrived(before: number, after: number): void {
    if (before !== this.#leastCount || --this.#atLeast > 0) return;
    this.#leastCount = after;
    for (const { count } of this.subscribers) {
      if (count < this.#leastCount) this.#leastCount = count;
    }
    for (const { count } of this.subscribers) if (count === this.#leastCount) this.#atLeast++;
    this.refill();
  }

  /** Publishes as many messages as window and Receive Maximum allow. */
  refill(): void {
    const publisher = this.publisher;
    if (!this.#running || publisher === null || !publisher.drained) return;
    const { published, acknowledged, receiveMaximum } = publisher;
    const room = Math.min(
      this.#window - (published - this.#leastCount),
      receiveMaximum - (published - acknowledged),
    );
    if (room > 0) publisher.publish(room);
  }

  get settled(): boolean {
    const publisher = this.publisher;
    if (publisher === null || publisher.acknowledged !== publisher.published) return false;
    return this.subscribers.every(({ count }) => count === publisher.published);
  }
}
