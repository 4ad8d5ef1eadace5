import type { Result, Scenario } from "../scenario.ts";

/** A run that is over, with all that the reports tell. */
export interface Report {
  readonly scenarios: readonly Scenario[];
  /** Those that were called off are among them. */
  readonly results: readonly Result[];
  /** How many results there would be, had nothing come between. */
  readonly planned: number;
  /** Milliseconds that a result took, where that was measured. */
  readonly tookMs: ReadonlyMap<Result, number>;
  readonly elapsedMs: number;
  /** Seconds. */
  readonly keepAliveSeconds: number;
  readonly waitMs: number;
  /** Findings and lateness count as failures. */
  readonly strict: boolean;
  /** What ended the run before its time; null: nothing did. */
  readonly cut: Cut | null;
}

export interface Cut {
  /** One clause: `nothing listens on mqtt://localhost:1883 any more`. */
  readonly why: string;
  readonly exitCode: number;
}

export interface Summary {
  readonly passed: number;
  readonly failed: number;
  readonly findings: number;
  readonly late: number;
  readonly inconclusive: number;
  readonly skipped: number;
  /** Called off, or never begun. */
  readonly notPlayed: number;
  /** Milliseconds behind 1.5 K, of all wills that a keepalive deadline brought; null: none did. */
  readonly worstKeepaliveLatenessMs: number | null;
  readonly exitCode: number;
}

export function summarize(report: Report): Summary {
  const ended = endedResults(report);
  const count = (verdict: Result["verdict"]): number =>
    ended.filter((result) => result.verdict === verdict).length;
  const counts = {
    passed: count("pass"),
    failed: count("fail"),
    findings: count("finding"),
    late: count("late"),
    inconclusive: count("inconclusive"),
    skipped: count("skipped"),
    notPlayed: report.planned - ended.length,
  };
  const lateness = ended.filter(isKeepaliveRow).flatMap(latenessOf);
  return {
    ...counts,
    worstKeepaliveLatenessMs: lateness.length === 0 ? null : Math.max(0, ...lateness),
    exitCode: exitCodeOf(counts, hasUndecided(ended), report),
  };
}

/** Without those that were called off. */
export function endedResults({ results }: Report): readonly Result[] {
  return results.filter(({ noVerdict }) => noVerdict !== "called off");
}

/** Of all its arms, in milliseconds. */
function latenessOf({ arms, latenessMs }: Result): number[] {
  if (arms.length === 0) return latenessMs === null ? [] : [latenessMs];
  return arms.flatMap(({ dueMs, gotMs }) =>
    dueMs === null || gotMs === null ? [] : gotMs - dueMs,
  );
}

/** Whether anything at all was learnt about the broker. */
export function hasJudged(counts: Omit<Summary, "exitCode" | "worstKeepaliveLatenessMs">): boolean {
  return counts.passed + counts.failed + counts.findings + counts.late > 0;
}

const keepaliveRules: ReadonlySet<string> = new Set(["v4-3.1.2-24", "v5-3.1.2-22"]);

/** Whether the broker's keepalive deadline decides it. */
export function isKeepaliveRow({ rule, dueMs }: Result): boolean {
  return keepaliveRules.has(rule) && dueMs !== null && dueMs > 0;
}

/** Whether a scenario could not be judged whose statement brokers must follow. */
function hasUndecided(ended: readonly Result[]): boolean {
  return ended.some(({ verdict, grade }) => verdict === "inconclusive" && grade === "must");
}

function exitCodeOf(
  counts: Omit<Summary, "exitCode" | "worstKeepaliveLatenessMs">,
  isUndecided: boolean,
  { cut, strict }: Report,
): number {
  // Who called it off knows more than a part of the results.
  if (cut !== null && cut.exitCode >= 128) return cut.exitCode;
  if (counts.failed > 0) return 1;
  if (strict && counts.findings + counts.late > 0) return 1;
  if (cut !== null) return cut.exitCode;
  if (isUndecided) return 5;
  return hasJudged(counts) ? 0 : 1;
}
