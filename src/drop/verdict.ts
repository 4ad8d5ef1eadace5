import { targetText } from "../client/target.ts";
import type { Failure, Observation, Result, Scenario, Verdict } from "./scenario.ts";
import type { StageOptions } from "./stage.ts";

/** Clocks of brokers are coarse; a will that is this little before its time is not early. */
const earlyMs = 100;
/** A delay of our own timers above this spoils a verdict that depends on time. */
const stallMs = 250;

interface Judged {
  readonly failure: Failure | null;
  readonly observation: Observation;
}

/**
 * Judges what was seen. `since` is the moment of the drop, `stalledMs` the longest time that this
 * process itself was held up meanwhile.
 */
export function judge(
  scenario: Scenario,
  options: StageOptions,
  since: number,
  observations: readonly Observation[],
  stalledMs: number,
): Result {
  // What can't be relied on is no failure, however it looks.
  const judged = observations.map((observation) => ({
    failure: observation.inconclusive === null ? failureOf(observation, options) : null,
    observation,
  }));
  // The first arm that is wrong speaks for the scenario; if none is, the first arm.
  const worst = judged.find(({ failure }) => failure !== null && failure !== "late");
  const shown = worst ?? judged.find(({ failure }) => failure !== null) ?? judged[0];
  if (shown === undefined) return inconclusive(scenario, options, "nothing was observed");
  const doubt = judged.find(({ observation }) => observation.inconclusive !== null);
  if (doubt !== undefined && worst === undefined) {
    return inconclusive(scenario, options, doubt.observation.inconclusive ?? "");
  }
  if (shown.failure !== null && dependsOnTime(shown.failure) && stalledMs > stallMs) {
    const detail = `this machine was held up for ${Math.round(stalledMs)} ms`;
    return inconclusive(scenario, options, detail);
  }
  const result = told(scenario, options, since, shown);
  const others = judged.filter((other) => other !== shown && other.failure !== null);
  if (others.length === 0) return result;
  const arms = others.map(({ observation }) => observation.arm);
  return { ...result, detail: `${result.detail}; also wrong: ${arms.join(", ")}` };
}

export function inconclusive(scenario: Scenario, options: StageOptions, detail: string): Result {
  return { ...blank(scenario, options), verdict: "inconclusive", detail };
}

export function skipped(scenario: Scenario, options: StageOptions, detail: string): Result {
  return { ...blank(scenario, options), verdict: "skipped", detail };
}

function told(scenario: Scenario, options: StageOptions, last: number, judged: Judged): Result {
  const { failure, observation } = judged;
  const { due, since = last } = observation;
  const got = observation.got[0] ?? null;
  return {
    ...blank(scenario, options),
    verdict: verdictOf(scenario, failure),
    failure,
    arm: observation.arm,
    dueMs: due === null ? null : exact(due - since),
    gotMs: got === null ? null : exact(got - since),
    latenessMs: due === null || got === null ? null : exact(got - due),
    detail: detailOf(observation, failure, since),
    means: failure === null ? (scenario.remark ?? null) : meansOf(scenario, failure),
  };
}

/** What a failure means for the user; null: nothing is known beyond what was seen. */
function meansOf(scenario: Scenario, failure: Failure): string | null {
  return scenario.means[failure] ?? usualMeans[failure] ?? null;
}

/** What is so whatever the drop was. */
const usualMeans: Readonly<Partial<Record<Failure, string>>> = {
  twice:
    "One death is reported more than once: whoever counts deaths or acts on each of them goes wrong. Let receivers ignore an 'offline' that says nothing new.",
  altered:
    "Receivers do not get the will as the client gave it. With a lower QoS it may be lost on its way to them.",
  late: "The death is reported later than it could be.",
};

/** To the microsecond: the difference of two moments carries digits that nothing measured. */
function exact(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}

function blank(scenario: Scenario, options: StageOptions): Result {
  return {
    id: scenario.id,
    title: scenario.title,
    protocol: options.version,
    target: targetText(options.target),
    grade: scenario.grade,
    verdict: "pass",
    failure: null,
    arm: "",
    dueMs: null,
    gotMs: null,
    latenessMs: null,
    rule: scenario.rule[options.version === 5 ? "v5" : "v4"],
    detail: "",
    means: null,
  };
}

function verdictOf(scenario: Scenario, failure: Failure | null): Verdict {
  if (failure === null) return "pass";
  if (failure === "late") return "late";
  return scenario.grade === "must" ? "fail" : "finding";
}

function failureOf(observation: Observation, options: StageOptions): Failure | null {
  const { due, got, altered, broken } = observation;
  if (broken !== null) return "broken";
  const [first] = got;
  if (due === null) return first === undefined ? null : "spurious";
  if (first === undefined) return "never";
  if (first < (observation.notBefore ?? due - earlyMs)) return "early";
  if (altered !== null) return "altered";
  if (got.length > 1) return "twice";
  return first > (observation.lateAfter ?? due + options.toleranceMs) ? "late" : null;
}

function dependsOnTime(failure: Failure): boolean {
  return failure === "never" || failure === "late" || failure === "early" || failure === "spurious";
}

function detailOf(observation: Observation, failure: Failure | null, since: number): string {
  const { due, got, until, altered, broken } = observation;
  const [first] = got;
  const after = (at: number): string => `${((at - since) / 1000).toFixed(2)} s`;
  switch (failure) {
    case "never":
      return `no will within ${after(until)}`;
    case "early":
      return `the will came after ${after(first ?? since)}, due at ${after(due ?? since)}`;
    case "late":
      return `the will came after ${after(first ?? since)}, due at ${after(due ?? since)}`;
    case "twice":
      return `${got.length} wills came instead of one`;
    case "spurious":
      return `a will came after ${after(first ?? since)} where none is due`;
    case "altered":
      return altered ?? "";
    case "broken":
      return broken ?? "";
    case null:
      return first === undefined ? "no will, as it should be" : `the will after ${after(first)}`;
  }
}
