import type { Colors } from "picocolors/types.js";

/** What a part of a line means, for a reader who shows it in a colour, or in none. */
export type Tone = keyof typeof palette;

export interface Part {
  readonly text: string;
  /** Null: it is like the text around it. */
  readonly tone: Tone | null;
}

/** The one place where a meaning gets its colour. */
const palette = {
  /** In order: a begin, a goodbye. */
  good: "green",
  /** Worth a look: a client that went silent or away, a warning. */
  caution: "yellow",
  /** A broken rule, a refusal, an error. */
  bad: "red",
  /** A will, and what became of it. */
  will: "magenta",
  /** Beside the point: the time, packets, that there was no will. */
  aside: "dim",
} as const satisfies Record<string, keyof Colors>;

export function plain(text: string): Part {
  return { text, tone: null };
}

export function toned(tone: Tone, text: string): Part {
  return { text, tone };
}

/** The parts as one text. `colors`: of picocolors' `createColors`. */
export function painted(parts: readonly Part[], colors: Colors): string {
  return parts
    .map(({ text, tone }) => (tone === null ? text : colors[palette[tone]](text)))
    .join("");
}

/** The same without colours. */
export function unpainted(parts: readonly Part[]): string {
  return parts.map(({ text }) => text).join("");
}

export function isTone(word: string): word is Tone {
  return Object.hasOwn(palette, word);
}
