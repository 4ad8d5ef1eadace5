import type { Failure, Observation } from "./scenario.ts";

/** How long this process stood still at most between two monotonic moments, in milliseconds. */
export type StallsBetween = (from: number, to: number) => number;

/** The time stamp of a packet that was sent may be late by a stall that ends before it. */
const stampMs = 1000;

/**
 * Why an arm can't be relied on; null: it can. A stall of this machine casts doubt only on a failure
 * that a stall of its size could have brought about. `latest`: until when the will was not late.
 */
export function doubtOf(
  observation: Observation,
  failure: Failure | null,
  latest: number,
  stalls: StallsBetween,
): string | null {
  if (observation.inconclusive !== null) return observation.inconclusive;
  if (failure === null) return null;
  const { from, to, marginMs } = marginOf(observation, failure, latest);
  if (!Number.isFinite(marginMs)) return null;
  const stalledMs = stalls(from, to);
  if (stalledMs < marginMs) return null;
  const stalled = `this machine was held up for ${Math.round(stalledMs)} ms`;
  return `${stalled}, and the verdict depends on ${Math.round(marginMs)} ms`;
}

interface Margin {
  /** Only stalls between these moments count. */
  readonly from: number;
  readonly to: number;
  /** A stall of so many milliseconds could have brought it about; Infinity: none could. */
  readonly marginMs: number;
}

function marginOf(observation: Observation, failure: Failure, latest: number): Margin {
  const { due, until, got, early, notBefore, marginMs } = observation;
  const since = (observation.since ?? due ?? until) - stampMs;
  const [first] = got;
  if (marginMs !== undefined) return { from: since, to: until, marginMs };
  const none = { from: since, to: until, marginMs: Infinity };
  if (due === null) return none;
  switch (failure) {
    case "early": {
      if (first === undefined) return none;
      const isFinding = early !== undefined && first >= early.findingFrom;
      const bound = isFinding ? (notBefore ?? due) : (early?.findingFrom ?? notBefore ?? due);
      return { from: since, to: first, marginMs: bound - first };
    }
    case "never":
    case "late":
    case "broken":
      // Half of the time in which it was watched for; then what was left of it would still tell.
      if (first === undefined) return { from: due, to: until, marginMs: (until - due) / 2 };
      return first > latest ? { from: since, to: first, marginMs: first - latest } : none;
    case "twice":
    case "spurious":
    case "altered":
    case "alive":
    case "down":
      return none;
  }
}
