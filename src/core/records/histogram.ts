import type { HistogramAccount } from "./broker-account.ts";

/** Upper bounds in milliseconds. */
const bounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] as const;

export class Histogram {
  readonly #counts: number[] = Array.from({ length: bounds.length + 1 }, () => 0);
  #sumMs = 0;
  #count = 0;

  add(ms: number): void {
    let index = 0;
    while (index < bounds.length && ms > bounds[index]!) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sumMs += ms;
    this.#count += 1;
  }

  get account(): HistogramAccount {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      return { leMs: bounds[index] ?? null, count };
    });
    return { buckets, sumMs: this.#sumMs, count: this.#count };
  }
}
