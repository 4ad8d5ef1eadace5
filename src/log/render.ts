import type { Colors } from "picocolors/types.js";
import type { Millis } from "../core/io.ts";
import { foldedParts } from "./columns.ts";
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
  /**
   * The width of the terminal that reads, for the lines of the broker's start; null (default): there
   * is none. Lines about clients are never broken: people search and copy them.
   */
  readonly startColumns?: () => number | null;
}

const ofStart: readonly LogEvent["event"][] = [
  ...(["administration", "configurationLoaded", "listening", "storeOpened", "warning"] as const),
  "restored",
];

/**
 * One line without its line end: `HH:MM:SS.mmm`, `[like NAME]` if the broker misbehaves on purpose,
 * the level if it is a warning or an error, the event. Strings of peers are escaped and cut.
 */
export function renderHuman(event: LogEvent, at: Millis, style: Style): string {
  const columns = ofStart.includes(event.event) ? style.startColumns?.() : null;
  return humanLine(sentence(event, at), levelOf(event), at, style, columns ?? null);
}

/** A sentence with its time, `[like NAME]` and level; `columns`: in lines of this width. */
export function humanLine(
  said: readonly Part[],
  level: Level,
  at: number,
  { colors, zone, like = null }: Style,
  columns: number | null = null,
): string {
  const time = timeOfDay(at, zone);
  const head = [toned("aside", time), plain(" ")];
  if (like !== null) head.push(toned("caution", `[like ${like}]`), plain(" "));
  const parts = [...head, ...levelWord(level), ...said];
  if (columns === null) return painted(parts, colors);
  const texts = parts.map(({ text }) => text);
  const broken = foldedParts(texts, columns, time.length + 1);
  return painted(
    parts.map(({ tone }, index) => ({ tone, text: broken[index] ?? "" })),
    colors,
  );
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
  const second = Math.floor(at / 1000);
  const known = lastSecond[zone];
  if (known.second !== second) {
    known.second = second;
    known.time = secondOfDay(new Date(second * 1000), zone);
  }
  return `${known.time}.${String(Math.floor(at - second * 1000)).padStart(3, "0")}`;
}

/** The second of the last line, which the next one mostly shares. */
const lastSecond = { local: { second: NaN, time: "" }, utc: { second: NaN, time: "" } };

function secondOfDay(date: Date, zone: Style["zone"]): string {
  if (zone === "utc") return date.toISOString().slice(11, 19);
  const two = (value: number) => String(value).padStart(2, "0");
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}
