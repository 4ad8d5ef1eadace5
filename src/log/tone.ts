import type { Colors } from "picocolors/types.js";

/** The meaning of a part of a line, which decides its colour. */
export type Tone = keyof typeof palette;

export interface Part {
  readonly text: string;
  /** Null: as the text around it. */
  readonly tone: Tone | null;
}

/** The only place that gives a meaning its colour. */
const palette = {
  /** In order: a start, an orderly end. */
  good: "green",
  /** Worth a look: a client that is silent or gone, a warning. */
  caution: "yellow",
  /** A violation, a refusal, an error. */
  bad: "red",
  /** A will and its fate. */
  will: "magenta",
  /** Secondary: the time, packets, "no will". */
  aside: "dim",
} as const satisfies Record<string, keyof Colors>;

export function plain(text: string): Part {
  return { text, tone: null };
}

export function toned(tone: Tone, text: string): Part {
  return { text, tone };
}

/** The parts as one text. `colors`: from picocolors' `createColors`. */
export function painted(parts: readonly Part[], colors: Colors): string {
  let line = "";
  for (const { text, tone } of parts) line += tone === null ? text : colors[palette[tone]](text);
  return line;
}

/** The parts as one text, without colours. */
export function unpainted(parts: readonly Part[]): string {
  return parts.map(({ text }) => text).join("");
}

export function isTone(word: string): word is Tone {
  return Object.hasOwn(palette, word);
}
