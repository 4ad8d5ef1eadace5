const everyMs = 20;

/** Notices how long this process itself was held up: then times say nothing about a broker. */
export class StallMeter implements Disposable {
  readonly #now: () => number;
  #before: number;
  readonly #timer: ReturnType<typeof setInterval>;
  /** `to`: the moment at which it was noticed. */
  readonly #stalls: { readonly from: number; readonly to: number }[] = [];

  /** `now`: monotonic milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#before = now();
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /**
   * The longest one, as far as it lies between two monotonic moments, in milliseconds. A message that
   * waits for its time stamp waits for one of them only.
   */
  between(from: number, to: number): number {
    this.#look();
    return this.#stalls.reduce(
      (most, stall) => Math.max(most, Math.min(to, stall.to) - Math.max(from, stall.from)),
      0,
    );
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = this.#now();
    // The timer itself takes its time; what is longer than another beat is a stall.
    const from = this.#before + everyMs;
    if (now - from > everyMs) this.#stalls.push({ from, to: now });
    this.#before = now;
  }
}
