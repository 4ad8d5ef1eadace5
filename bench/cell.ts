/** The results of one broker under one workload, over all runs. */
export interface Cell<Run> {
  readonly broker: string;
  /** The valid runs. */
  readonly runs: readonly Run[];
  /** Why the other runs are invalid. */
  readonly errors: readonly string[];
}

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

/** Rotates the order, so that over the runs each item goes first, second, and so on. */
export function rotated<T>(items: readonly T[], by: number): T[] {
  const first = by % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** Columns padded to their widest cell; the first `left` are aligned left, numbers right. */
export function table(rows: readonly (readonly string[])[], left: number): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return column < left ? cell.padEnd(width) : cell.padStart(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** 1234567 as `1.23 M`, 98765 as `98.8 k`. */
export function thousands(value: number): string {
  if (value >= 999_500) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 999.5) return `${(value / 1e3).toPrecision(3)} k`;
  return value.toFixed(0);
}

export function mebibytes(bytes: number | null): string {
  return bytes === null ? "-" : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
