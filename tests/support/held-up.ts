import { now } from "./inbox.ts";

/**
 * A time was too long, or could not be judged: the machine may have held the program up. The test
 * command plays such a test again where its meter saw as much (scripts/held-up.ts); else it has failed.
 */
export class HeldUp extends Error {
  override readonly name = "HeldUp";

  /** `ms`: for how long, at some time from one moment to another (of `now`). */
  constructor(what: string, ms: number, from: number, to = now()) {
    const [first, last] = [from, to].map((moment) => new Date(moment).toISOString());
    super(`${what}: held up for ${Math.ceil(ms)} ms between ${first} and ${last}`);
  }
}

/** What a HeldUp's message says. Throws when it is none. */
export function heldUpOf(message: string): { ms: number; from: number; to: number } {
  const found = /: held up for (\d+) ms between (\S+) and (\S+)$/.exec(message);
  const [, ms, from = "", to = ""] = found ?? [];
  if (ms === undefined) throw new Error(`not a message of HeldUp: ${message}`);
  return { ms: Number(ms), from: Date.parse(from), to: Date.parse(to) };
}

/** For something that may take so many milliseconds and ended at `at`: more is held up. */
export function expectInTime(what: string, tookMs: number, limitMs: number, at = now()): void {
  if (tookMs <= limitMs) return;
  throw new HeldUp(
    `${what} took ${tookMs} ms, at most ${limitMs}`,
    tookMs - limitMs,
    at - tookMs,
    at,
  );
}

/** `simulate-drop` of itself, and a broker that was late by 0.1 s or more of itself. */
const confessions = [
  /this machine was held up for ([\d.]+) (ms)/,
  /the broker itself stood still for ([\d.]+) (ms|s)/,
];

/**
 * Looks for the words of one of our programs that it was held up, at some time since a moment (of
 * `now`): then what it says besides is another text, or no verdict.
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
