const everyMs = 20;

/** Notices how long this process itself was held up: then times say nothing about a broker. */
export class StallMeter {
  #before = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stalls: { readonly at: number; readonly forMs: number }[] = [];

  constructor() {
    this.#timer = setInterval(() => {
      const now = performance.now();
      const forMs = now - this.#before - everyMs;
      if (forMs > everyMs) this.#stalls.push({ at: now, forMs });
      this.#before = now;
    }, everyMs);
  }

  /** The longest one since a monotonic moment, in milliseconds. */
  since(moment: number): number {
    return Math.max(0, ...this.#stalls.filter(({ at }) => at >= moment).map(({ forMs }) => forMs));
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
