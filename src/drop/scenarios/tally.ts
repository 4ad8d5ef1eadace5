import { assert } from "../../core/assert.ts";
import type { Observation } from "../scenario.ts";
import { earlyMs } from "../verdict.ts";

/**
 * The deaths of many clients as one observation, whose times are those of the will that was furthest
 * from its due time. Lost and repeated wills are counted; `more`: what else is wrong, a clause each.
 */
export function tally(deaths: readonly Observation[], more: readonly string[] = []): Observation {
  const one = furthest(deaths);
  const lost = deaths.filter(({ got }) => got.length === 0).length;
  const twice = deaths.filter(({ got }) => got.length > 1).length;
  const [first] = one.got;
  const wrong = [
    ...(lost === 0 ? [] : [`${lost} of ${deaths.length} deaths unreported`]),
    ...(twice === 0 ? [] : [`${twice} of ${deaths.length} deaths reported more than once`]),
    ...more,
  ];
  // Where all are lost, that is the failure `never`.
  const isNever = lost === deaths.length && more.length === 0;
  return {
    ...one,
    got: first === undefined ? [] : [first],
    before: deaths.flatMap(({ before = [] }) => before),
    altered: deaths.find(({ altered }) => altered !== null)?.altered ?? null,
    broken: isNever || wrong.length === 0 ? null : wrong.join(", "),
  };
}

/** The will that came too early before one that came late; else the one that came last. */
function furthest(deaths: readonly Observation[]): Observation {
  const came = deaths.filter(({ got }) => got.length > 0).toSorted((a, b) => lead(a) - lead(b));
  const [soonest] = came;
  const one = soonest !== undefined && lead(soonest) < -earlyMs ? soonest : came.at(-1);
  const [any] = deaths;
  assert(any !== undefined, "somebody has died");
  return one ?? any;
}

/** Milliseconds behind the due time; negative: early. */
function lead({ got: [first = 0], due }: Observation): number {
  return first - (due ?? 0);
}
