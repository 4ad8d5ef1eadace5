import type { Steps } from "../../core/steps.ts";

/** Milliseconds that a piece of work may take before it yields. */
export const turnMs = 2;

/**
 * Gives each piece of work its own turn of the event loop, so that the loop handles sockets and
 * deadlines between two pieces, however many wait.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  /** All items of a list, found in as many turns as it takes. */
  async all<Item>(steps: Steps<Item>): Promise<Item[]> {
    const items: Item[] = [];
    for (;;) {
      await this.next();
      const until = performance.now() + turnMs;
      while (performance.now() < until) {
        const { done, value } = steps.next();
        if (done === true) return items;
        if (value !== null && value !== undefined) items.push(value);
      }
    }
  }

  /** Resolves at the caller's turn, which lasts until the caller awaits again. */
  async next(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.#waiting.push(resolve) === 1) setImmediate(() => this.#turn());
    return promise;
  }

  #turn(): void {
    this.#waiting.shift()?.();
    if (this.#waiting.length > 0) setImmediate(() => this.#turn());
  }
}
