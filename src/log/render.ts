import type { Colors } from "picocolors/types.js";
import type { Millis } from "../core/io.ts";
import { type Level, levelOf, type LogEvent } from "./events.ts";
import { jsonLine } from "./foreign.ts";
import { iso, record } from "./record.ts";
import { sentence } from "./sentence.ts";
import { painted, type Part, plain, toned } from "./tone.ts";

export interface Style {
  /** From picocolors' `createColors`; without colours the text is the same. */
  readonly colors: Colors;
  /** The time zone of the human form; JSON is always UTC. */
  readonly zone: "local" | "utc";
  /** The name after `--like`; every line of such a broker shows it. */
  readonly like?: string | null;
}

/**
 * One line without its line end: `HH:MM:SS.mmm`, `[like NAME]` if the broker misbehaves on purpose,
 * the level if it is a warning or an error, the event. Strings of peers are escaped and cut.
 */
export function renderHuman(event: LogEvent, at: Millis, style: Style): string {
  return humanLine(sentence(event, at), levelOf(event), at, style);
}

/** A sentence with its time, `[like NAME]` and level. */
export function humanLine(
  said: readonly Part[],
  level: Level,
  at: number,
  { colors, zone, like = null }: Style,
): string {
  const parts = [
    toned("aside", timeOfDay(at, zone)),
    plain(" "),
    ...(like === null ? [] : [toned("caution", `[like ${like}]`), plain(" ")]),
    ...levelWord(level),
    ...said,
  ];
  return painted(parts, colors);
}

/**
 * One JSON object without a line end, with the same facts, not cut: time, level, event, client,
 * then the facts in a fixed order.
 */
export function renderJson(event: LogEvent, at: Millis, like: string | null = null): string {
  return jsonLine({
    time: iso(at),
    level: levelOf(event),
    event: event.event,
    ...(like !== null && { like }),
    ...record(event, at),
  });
}

function levelWord(level: Level): readonly Part[] {
  if (level === "error") return [toned("bad", "Error:"), plain(" ")];
  if (level === "warn") return [toned("caution", "Warning:"), plain(" ")];
  return [];
}

/** `HH:MM:SS.mmm`. */
export function timeOfDay(at: number, zone: Style["zone"]): string {
  const date = new Date(at);
  if (zone === "utc") return date.toISOString().slice(-13, -1);
  const two = (value: number) => String(value).padStart(2, "0");
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${time}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
