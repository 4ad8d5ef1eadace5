import { duration } from "../../log/duration.ts";
import { timeOfDay } from "../../log/render.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** `3.20 s ago`. Milliseconds since the epoch; a future `at` counts as now. */
export function ago(now: number, at: number): string {
  return `${duration(Math.max(0, now - at))} ago`;
}

/** `in 3.20 s`; a past `at` counts as now. */
export function ahead(now: number, at: number): string {
  return `in ${duration(Math.max(0, at - now))}`;
}

/** `in 3.20 s`, or `3.20 s ago`. */
export function around(now: number, at: number): string {
  return at < now ? ago(now, at) : ahead(now, at);
}

/** The log's time of day, with the date if it is a day away or more. */
export function timeAt(now: number, at: number, zone: "local" | "utc"): string {
  const time = timeOfDay(at, zone);
  return Math.abs(now - at) < dayMs ? time : `${dateOf(at, zone)} ${time}`;
}

function dateOf(at: number, zone: "local" | "utc"): string {
  const date = new Date(at);
  if (zone === "utc") return date.toISOString().slice(0, 10);
  const two = (value: number) => String(value).padStart(2, "0");
  return [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
}
