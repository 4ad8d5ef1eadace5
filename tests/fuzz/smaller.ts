import { frameSize } from "./hostile-link.ts";
import type { Act, FuzzInput } from "./input.ts";
import { type Plant, play } from "./play.ts";

/** The identity of a fault: its words, without what differs from input to input. */
export function faultKey(fault: unknown): string {
  const text = fault instanceof Error ? fault.message : String(fault);
  return text.replaceAll(/[0-9a-f]{8,}|\d+/g, "N").slice(0, 80);
}

/** The most plays of one input while it shrinks. */
const triesMax = 400;

/**
 * The same fault with fewer acts: removes ever smaller runs of acts as long as the fault remains.
 */
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
  const framed = { ...input, acts: inFrames(input.acts) };
  if (await shows(framed)) small = framed;
  let at = 0;
  let size = Math.ceil(small.acts.length / 2);
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

/** The same bytes of each connection, one packet an act where the packets are separable. */
function inFrames(acts: readonly Act[]): Act[] {
  const result: Act[] = [];
  const held = new Map<string, Uint8Array>();
  const flush = (who: string): void => {
    let rest = held.get(who) ?? new Uint8Array(0);
    while (rest.length > 0) {
      const size = Math.min(frameSize(rest) ?? rest.length, rest.length);
      result.push({ act: "send", who, bytes: rest.slice(0, size) });
      rest = rest.slice(size);
    }
    held.delete(who);
  };
  for (const act of acts) {
    if (act.act === "send") {
      held.set(act.who, Uint8Array.from([...(held.get(act.who) ?? []), ...act.bytes]));
      continue;
    }
    for (const who of held.keys()) flush(who);
    result.push(act);
  }
  for (const who of held.keys()) flush(who);
  return result;
}
