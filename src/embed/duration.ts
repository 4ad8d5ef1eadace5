import { durationForm, millisecondsOf } from "../config/quantity.ts";
import type { Duration } from "./api.ts";

/** How long a test waits for what has to come, unless it says how long: milliseconds. */
export const waitMs = 5000;

/** Milliseconds. Throws RangeError. */
export function durationOf(written: Duration): number {
  const milliseconds = typeof written === "number" ? written : millisecondsOf(written);
  if (milliseconds !== null && milliseconds >= 0 && Number.isFinite(milliseconds)) {
    return milliseconds;
  }
  const found = typeof written === "string" ? JSON.stringify(written) : String(written);
  throw new RangeError(`found ${found}, allowed: ${durationForm}, or milliseconds`);
}

/** As an error names it: `90s`, `1500 ms`. */
export function durationText(written: Duration): string {
  return typeof written === "number" ? `${written} ms` : written;
}
