import type { FuzzInput } from "./input.ts";
import { type Plant, play } from "./play.ts";

/** What tells one fault from another: its words, less what differs from input to input. */
export function faultKey(fault: unknown): string {
  const text = fault instanceof Error ? fault.message : String(fault);
  return text.replaceAll(/[0-9a-f]{8,}|\d+/g, "N").slice(0, 80);
}

/** Plays of one input at the most, while it is made smaller. */
const triesMax = 400;

/** The same fault with fewer acts: leaves out ever smaller runs of acts while it is still shown. */
export async function smaller(input: FuzzInput, fault: unknown, plant?: Plant): Promise<FuzzInput> {
  const key = faultKey(fault);
  let small = input;
  const shows = async (candidate: FuzzInput): Promise<boolean> => {
    try {
      await play(candidate, plant);
      return false;
    } catch (other) {
      return faultKey(other) === key;
    }
  };
  let at = 0;
  let size = Math.ceil(input.acts.length / 2);
  for (let tries = 0; size >= 1 && tries < triesMax; tries++) {
    const candidate = { ...small, acts: small.acts.toSpliced(at, size) };
    if (await shows(candidate)) small = candidate;
    else at += size;
    if (at < small.acts.length) continue;
    at = 0;
    size = Math.floor(size / 2);
  }
  return small;
}
