import { now } from "./inbox.ts";

/**
 * A time was too long, or could not be judged, possibly because the machine held the program up.
 * The test command repeats such a test when its meter saw a stall (scripts/held-up.ts); otherwise
 * the test fails.
 */
export class HeldUp extends Error {
  override readonly name = "HeldUp";

  /** `ms`: length of the stall, at some time between two moments (of `now`). */
  constructor(what: string, ms: number, from: number, to = now()) {
    const [first, last] = [from, to].map((moment) => new Date(moment).toISOString());
    super(`${what}: held up for ${Math.ceil(ms)} ms between ${first} and ${last}`);
  }
}

/** Parses a HeldUp's message. Throws on any other text. */
export function heldUpOf(message: string): { ms: number; from: number; to: number } {
  const found = /: held up for (\d+) ms between (\S+) and (\S+)$/.exec(message);
  const [, ms, from = "", to = ""] = found ?? [];
  if (ms === undefined) throw new Error(`not a message of HeldUp: ${message}`);
  return { ms: Number(ms), from: Date.parse(from), to: Date.parse(to) };
}

/**
 * For work that may take so many milliseconds and ended at `at`: a longer time counts as held up.
 */
export function expectInTime(what: string, tookMs: number, limitMs: number, at = now()): void {
  if (tookMs <= limitMs) return;
  throw new HeldUp(
    `${what} took ${tookMs} ms, at most ${limitMs}`,
    tookMs - limitMs,
    at - tookMs,
    at,
  );
}

/** `simulate-drop` about itself, and a broker about its own lateness of 0.1 s or more. */
const confessions = [
  /this machine was held up for ([\d.]+) (ms)/,
  /the broker itself stood still for ([\d.]+) (ms|s)/,
];

/**
 * Looks in a program's output for its words that it was held up since a moment (of `now`): then its
 * remaining text differs, or has no verdict.
 */
export function expectNotHeldUp(what: string, said: string, since: number): void {
  // Texts for people are wrapped.
  const text = said.replace(/\s+/g, " ");
  for (const confession of confessions) {
    const [, number, unit] = confession.exec(text) ?? [];
    if (number !== undefined)
      throw new HeldUp(what, Number(number) * (unit === "s" ? 1000 : 1), since);
  }
}
