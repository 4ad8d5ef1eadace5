export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Above this ratio of maximum to minimum, differences between brokers mean little. */
export const noisyAbove = 1.25;

/** Null without any number. */
export function spread(numbers: readonly number[]): Spread | null {
  const sorted = numbers.toSorted((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) return null;
  const upper = sorted[sorted.length >> 1] ?? max;
  const lower = sorted[(sorted.length - 1) >> 1] ?? min;
  return { median: (lower + upper) / 2, min, max };
}

/** How long things took, in milliseconds. All are null if there was nothing to measure. */
export interface Delays {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly worst: number | null;
}

export function delays(milliseconds: readonly number[]): Delays {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  return {
    count: sorted.length,
    p50: percentile(sorted, 50),
    p99: percentile(sorted, 99),
    worst: sorted.at(-1) ?? null,
  };
}

/** The nearest rank: the least number that so many percent do not exceed. Null without any number. */
export function percentile(sorted: readonly number[], percent: number): number | null {
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
}

/** Rotates the order, so that over the runs each item goes first, second, and so on. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}
