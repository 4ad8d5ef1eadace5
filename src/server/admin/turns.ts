/** Milliseconds that a piece of work may take before others have their turn. */
export const turnMs = 2;

/**
 * Turns of the event loop, one to each piece of work that asks: whatever comes at the same time, sockets
 * and deadlines are looked at between two pieces.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

  /** Resolves when it is the asker's turn; it then may work until it awaits again. */
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
