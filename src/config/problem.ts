import { escapeUnprintable } from "../log/foreign.ts";

/** One problem that the operator has to fix: its place and its text. One line. */
export interface Problem {
  /** `mqttd.json:7:15 limits.packetSize`, `MQTTD_LOG__LEVEL`, `--port`. */
  readonly at: string;
  readonly text: string;
}

/** Where a value was set, and its path: `mqttd.json:7:15 listeners.0.tls.cert`. */
export function placeOf(
  path: string,
  origins: ReadonlyMap<string, { readonly name: string }>,
): string {
  const name = origins.get(path)?.name ?? "";
  if (name === "") return path;
  return name.endsWith(path) || name.startsWith("MQTTD_") ? name : `${name} ${path}`;
}

/** Problems reported of one load; a file can have very many. */
const linesMax = 50;

export function problemLines(problems: readonly Problem[]): readonly string[] {
  const lines = problems.slice(0, linesMax).map(({ at, text }) => `${at}: ${text}`);
  const more = problems.length - lines.length;
  return more === 0 ? lines : [...lines, `and ${more} more`];
}

/** Characters of a foreign value that a line shows. */
const shownMax = 60;

/** In double quotes, with JSON's escapes for unprintable characters; cut if long. */
export function quoted(value: string): string {
  const characters = Array.from(value.slice(0, 2 * shownMax));
  const cut = characters.length > shownMax || value.length > 2 * shownMax;
  const shown = cut ? `${characters.slice(0, shownMax).join("")}...` : value;
  return escapeUnprintable(JSON.stringify(shown));
}

/** As `quoted`, without the quotes: for names in a path. */
export function bare(value: string): string {
  return quoted(value).slice(1, -1);
}

/** A word of a command to paste into a shell: whole, in quotes if it needs them. */
export function shellWord(value: string): string {
  const word = escapeUnprintable(value);
  if (/^[\w./:@%+=,][\w./:@%+=,-]*$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A value as errors show it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
