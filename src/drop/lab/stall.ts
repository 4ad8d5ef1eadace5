const everyMs = 20;

/** Notices how long this process itself was held up: then times say nothing about a broker. */
export class StallMeter {
  #before = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  /** `to`: the moment at which it was noticed. */
  readonly #stalls: { readonly from: number; readonly to: number }[] = [];

  constructor() {
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** All of them between two monotonic moments, in milliseconds altogether. */
  between(from: number, to: number): number {
    this.#look();
    return this.#stalls.reduce(
      (sum, stall) => sum + Math.max(0, Math.min(to, stall.to) - Math.max(from, stall.from)),
      0,
    );
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.now();
    // The timer itself takes its time; what is longer than another beat is a stall.
    const from = this.#before + everyMs;
    if (now - from > everyMs) this.#stalls.push({ from, to: now });
    this.#before = now;
  }
}
