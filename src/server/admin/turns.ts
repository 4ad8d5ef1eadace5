/** Milliseconds that a piece of work may take before it yields. */
export const turnMs = 2;

/**
 * Gives each piece of work its own turn of the event loop, so that the loop handles sockets and
 * deadlines between two pieces, however many wait.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];

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
