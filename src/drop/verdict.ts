import { targetText } from "../client/target.ts";
import { doubtOf, type StallsBetween } from "./doubt.ts";
import type { NoVerdict } from "./no-verdict.ts";
import type {
  ArmResult,
  Failure,
  Grade,
  Observation,
  Result,
  Scenario,
  Verdict,
} from "./scenario.ts";
import type { StageOptions } from "./stage.ts";

/** Clocks of brokers are coarse; a will that is this little before its time is not early. */
export const earlyMs = 100;

/** One arm, judged. */
interface Judged {
  readonly observation: Observation;
  /** Null: nothing is wrong, or the arm is in doubt. */
  readonly failure: Failure | null;
  readonly grade: Grade;
  readonly verdict: Exclude<Verdict, "skipped">;
  /** Why nothing can be concluded; null: something can. */
  readonly doubt: string | null;
}

/** From the gravest. The first arm of the gravest verdict stands for its scenario, unless another took the broker down. */
const gravity = ["fail", "inconclusive", "finding", "late", "pass"] as const;

/** Judges what was seen; `since` is the moment of the drop, `stalls` tells when this process stood still. */
export function judge(
  scenario: Scenario,
  options: StageOptions,
  since: number,
  observations: readonly Observation[],
  stalls: StallsBetween,
): Result {
  const all = observations.map((observation) => judgedArm(scenario, options, observation, stalls));
  const ranked = gravity.flatMap((verdict) => all.filter((arm) => arm.verdict === verdict));
  const shown = ranked.find(({ failure }) => failure === "down") ?? ranked[0];
  if (shown === undefined) return inconclusive(scenario, options, "nothing was observed");
  const result = resultOf(scenario, options, since, shown);
  const others = all.filter((other) => other !== shown && other.failure !== null);
  const also =
    others.length === 0
      ? ""
      : `; also wrong: ${others.map(({ observation }) => observation.arm).join(", ")}`;
  const arms = all.map((arm) => armResult(arm, arm.observation.since ?? since));
  return { ...result, detail: result.detail + also, arms };
}

export function inconclusive(
  scenario: Scenario,
  options: StageOptions,
  detail: string,
  noVerdict: NoVerdict | null = null,
): Result {
  return { ...blank(scenario, options), verdict: "inconclusive", detail, noVerdict };
}

export function skipped(
  scenario: Scenario,
  options: StageOptions,
  detail: string,
  noVerdict: NoVerdict | null = null,
): Result {
  return { ...blank(scenario, options), verdict: "skipped", detail, noVerdict };
}

function judgedArm(
  scenario: Scenario,
  options: StageOptions,
  observation: Observation,
  stalls: StallsBetween,
): Judged {
  // What can't be relied on is no failure, however it looks.
  const isReliable = observation.inconclusive === null;
  const seen = isReliable ? failureOf(observation, options) : null;
  const doubt = doubtOf(observation, seen, latestOf(observation, options), stalls);
  const failure = doubt === null ? seen : null;
  const grade = gradeOf(scenario, observation, failure);
  return {
    observation,
    failure,
    grade,
    verdict: doubt === null ? verdictOf(grade, failure) : "inconclusive",
    doubt,
  };
}

function gradeOf(scenario: Scenario, observation: Observation, failure: Failure | null): Grade {
  // These are against the standard whatever the drop was.
  if (failure === "alive" || failure === "down") return "must";
  const [first = Infinity] = observation.got;
  const isNearlyDue = observation.early !== undefined && first >= observation.early.findingFrom;
  if (failure === "early" && isNearlyDue) return "ours";
  return observation.grade ?? scenario.grade;
}

function verdictOf(grade: Grade, failure: Failure | null): "pass" | "late" | "fail" | "finding" {
  if (failure === null) return "pass";
  if (failure === "late") return "late";
  return grade === "must" ? "fail" : "finding";
}

function resultOf(
  scenario: Scenario,
  options: StageOptions,
  last: number,
  { observation, failure, grade, verdict, doubt }: Judged,
): Result {
  const { due, since = last } = observation;
  const got = observation.got[0] ?? null;
  const rule = failure === "alive" ? lifeRules : scenario.rule;
  const armRule = failure === "alive" ? undefined : observation.rule;
  return {
    ...blank(scenario, options),
    grade,
    verdict,
    failure,
    arm: observation.arm,
    ...(doubt === null && {
      dueMs: due === null ? null : exact(due - since),
      gotMs: got === null ? null : exact(got - since),
      latenessMs: due === null || got === null ? null : exact(got - due),
      means: failure === null ? (scenario.remark ?? null) : meansOf(scenario, observation, failure),
    }),
    rule: armRule ?? rule[options.version === 5 ? "v5" : "v4"],
    detail: doubt ?? detailOf(observation, failure, since),
  };
}

/** A will is published after the Network Connection is closed. */
const lifeRules = { v4: "v4-3.1.2-8", v5: "v5-3.1.2-8" } as const;

function armResult({ observation, failure, grade, verdict }: Judged, since: number): ArmResult {
  const { arm, due, keepAliveSeconds = null } = observation;
  const got = observation.got[0] ?? null;
  return {
    arm,
    grade,
    verdict,
    failure,
    dueMs: due === null ? null : exact(due - since),
    gotMs: got === null ? null : exact(got - since),
    watchedMs: exact(observation.until - since),
    keepAliveSeconds,
  };
}

/** What a failure means for the user; null: nothing is known beyond what was seen. */
function meansOf(scenario: Scenario, observation: Observation, failure: Failure): string | null {
  const own = failure === "early" ? observation.early?.means : observation.means;
  const isNearlyDue = failure === "early" && gradeOf(scenario, observation, failure) === "ours";
  if (isNearlyDue && own !== undefined) return own;
  return observation.means ?? scenario.means[failure] ?? usualMeans[failure] ?? null;
}

/** What is so whatever the drop was. */
const usualMeans: Readonly<Partial<Record<Failure, string>>> = {
  twice:
    "One death is reported more than once: receivers that count deaths, or act on each one, go wrong. Let receivers ignore an 'offline' that repeats the last state.",
  altered:
    "Receivers do not get the will as the client gave it. With a lower QoS it may be lost on the way.",
  late: "The death is reported later than it could be.",
  alive:
    "The broker publishes the will of a client that is connected: a live device is reported dead. The scenario `reconnect` plays the usual cause, a client id that connects again directly after its DISCONNECT.",
  down: "One client can take the broker down for all others. Keep untrusted clients away from this broker.",
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
    arms: [],
    dueMs: null,
    gotMs: null,
    latenessMs: null,
    rule: scenario.rule[options.version === 5 ? "v5" : "v4"],
    detail: "",
    noVerdict: null,
    means: null,
    tries: 1,
  };
}

function failureOf(observation: Observation, options: StageOptions): Failure | null {
  const { due, got, altered, broken, before = [], down = null } = observation;
  if (down !== null) return "down";
  if (before.length > 0) return "alive";
  if (broken !== null) return "broken";
  const [first] = got;
  if (due === null) return first === undefined ? null : "spurious";
  if (first === undefined) return "never";
  if (first < (observation.notBefore ?? due - earlyMs)) return "early";
  if (altered !== null) return "altered";
  if (got.length > 1) return "twice";
  return first > latestOf(observation, options) ? "late" : null;
}

/** Until when a will is not late. */
function latestOf({ due, lateAfter }: Observation, { toleranceMs }: StageOptions): number {
  return lateAfter ?? (due ?? Infinity) + toleranceMs;
}

function detailOf(observation: Observation, failure: Failure | null, since: number): string {
  const note = observation.note === undefined ? "" : `; ${observation.note}`;
  return seenText(observation, failure, since) + note;
}

function seenText(observation: Observation, failure: Failure | null, since: number): string {
  const { due, got, until, altered, broken, before = [], down } = observation;
  const [first] = got;
  const after = (at: number): string => `${((at - since) / 1000).toFixed(2)} s`;
  const timed = `the will came after ${after(first ?? since)}, due at ${after(due ?? since)}`;
  switch (failure) {
    case "never":
      return `no will within ${after(until)}`;
    case "early": {
      const { early } = observation;
      const isNearlyDue = early !== undefined && (first ?? -Infinity) >= early.findingFrom;
      return isNearlyDue ? `${timed}: ${early.note}` : timed;
    }
    case "late":
      return timed;
    case "twice":
      return `${got.length} wills came instead of one`;
    case "spurious":
      return `a will came after ${after(first ?? since)} where none is due`;
    case "altered":
      return altered ?? "";
    case "broken":
      return broken ?? "";
    case "alive": {
      const ago = `${((since - (before[0] ?? since)) / 1000).toFixed(2)} s`;
      return `the will came ${ago} before the drop, while its client was connected`;
    }
    case "down":
      return down ?? "";
    case null:
      return first === undefined ? "no will, as it should be" : `the will after ${after(first)}`;
  }
}
