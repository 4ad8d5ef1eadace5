import { size } from "../../log/size.ts";
import type { Figure } from "../load.ts";

/** A figure in words, with three digits: `10.8 M/s`, `42.1 ms`, `3.9 KiB`. */
export function quantity(value: number, unit: Figure["unit"]): string {
  switch (unit) {
    case "/s":
      return `${thousands(value)}/s`;
    case "ms":
      return milliseconds(value);
    case "s":
      return `${value.toPrecision(3)} s`;
    case "B":
      return size(value);
    case "%":
      return `${value.toFixed(0)} %`;
    case "":
      return thousands(value);
  }
}

/** 1234567 as `1.23 M`, 98765 as `98.8 k`. */
export function thousands(value: number): string {
  if (value >= 999_500) return `${(value / 1e6).toPrecision(3)} M`;
  if (value >= 999.5) return `${(value / 1e3).toPrecision(3)} k`;
  return value >= 99.5 || Number.isInteger(value) ? value.toFixed(0) : value.toPrecision(3);
}

/** From a tenth of a millisecond on; `12.3 s` above ten seconds. */
export function milliseconds(value: number | null): string {
  if (value === null) return "-";
  if (Math.abs(value) >= 9_999.5) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(Math.abs(value) < 99.95 ? 1 : 0)} ms`;
}

/** `4.32`, for ratios. */
export function ratioText(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value.toPrecision(3);
}

/** `90.0..100 k/s`: the unit once, if both have the same. */
export function rangeText(min: number, max: number, unit: Figure["unit"]): string {
  const [low, high] = [quantity(min, unit), quantity(max, unit)];
  const lowUnit = low.replace(/^[\d.-]+/, "");
  return lowUnit !== "" && high.endsWith(lowUnit)
    ? `${low.slice(0, -lowUnit.length)}..${high}`
    : `${low}..${high}`;
}
