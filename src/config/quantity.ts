/**
 * Sizes and durations in their written form. A size is a number of bytes, or a string with a unit.
 * A duration always has a unit, because `90` alone is ambiguous.
 */

/** Bytes. */
export const mebibyte = 1024 ** 2;
export const gibibyte = 1024 ** 3;
/** Milliseconds. */
export const second = 1000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

const sizeUnits = { B: 1, KiB: 1024, MiB: mebibyte, GiB: gibibyte } as const;
const durationUnits = { ms: 1, s: second, m: minute, h: hour, d: day } as const;

export const sizePattern = /^(0|[1-9]\d{0,11})(B|KiB|MiB|GiB)$/;
export const durationPattern = /^(0|[1-9]\d{0,11})(ms|s|m|h|d)$/;

/** The allowed form in errors, with every unit. */
export const sizeForm = 'bytes or a size like "64KiB" or "1MiB" (units: B, KiB, MiB, GiB)';
export const durationForm =
  'a duration with its unit, like "500ms", "90s" or "2h" (units: ms, s, m, h, d)';

/** Bytes; null: not a size. */
export function bytesOf(written: number | string): number | null {
  if (typeof written === "number") return written;
  return amount(written, sizePattern, sizeUnits);
}

/** Milliseconds; `never` is Infinity, `off` is 0; null: not a duration. */
export function millisecondsOf(written: string): number | null {
  if (written === "never") return Infinity;
  if (written === "off") return 0;
  return amount(written, durationPattern, durationUnits);
}

/** The shortest written form: 1048576 becomes `1MiB`, 1000 stays `1000B`. */
export function writeSize(bytes: number): string {
  return write(bytes, sizeUnits);
}

/** The shortest written form: 10000 becomes `10s`, Infinity `never`. */
export function writeDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  return milliseconds === Infinity ? "never" : write(milliseconds, durationUnits);
}

function amount(
  written: string,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
): number | null {
  const match = pattern.exec(written);
  const unit = units[match?.[2] ?? ""];
  return match === null || unit === undefined ? null : Number(match[1]) * unit;
}

function write(value: number, units: Readonly<Record<string, number>>): string {
  let shortest = "";
  for (const [unit, factor] of Object.entries(units)) {
    if (shortest === "" || (value > 0 && value % factor === 0)) shortest = value / factor + unit;
  }
  return shortest;
}
