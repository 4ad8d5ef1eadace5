import type { Outcome } from "./run.ts";

/**
 * The report for people: a line for each group, then each disagreement, then the skipped checks.
 */
export function reportText(target: string, outcomes: readonly Outcome[]): string {
  const groups = Map.groupBy(outcomes, (outcome) => outcome.case.group);
  const widest = Math.max(...[...groups.keys()].map((name) => name.length));
  const lines = [...groups].map(([name, members]) => {
    const notable = [countText(members, "disagrees"), countText(members, "skipped")];
    const rest = notable.filter((text) => text !== "").join(", ");
    const count = `${String(countOf(members, "passed")).padStart(3)} of ${members.length} passed`;
    return `  ${name.padEnd(widest)}  ${count}${rest === "" ? "" : `, ${rest}`}`;
  });
  return [
    `${target}: ${outcomes.length} checks`,
    ...lines,
    ...disagreementLines(outcomes),
    ...skippedLines(outcomes),
    "",
    summary(outcomes),
  ].join("\n");
}

/** `320 passed, 2 disagree, 5 skipped` */
function summary(outcomes: readonly Outcome[]): string {
  const parts = [
    `${countOf(outcomes, "passed")} passed`,
    `${countOf(outcomes, "disagrees")} disagree`,
    `${countOf(outcomes, "skipped")} skipped`,
  ];
  return parts.join(", ");
}

function disagreementLines(outcomes: readonly Outcome[]): string[] {
  const disagreeing = outcomes.filter((outcome) => outcome.verdict === "disagrees");
  if (disagreeing.length === 0) return [];
  const lines = disagreeing.flatMap(({ case: each, statements, expected, came }) => [
    `  ${statements.join(", ")} · ${each.check.title}`,
    `    expected ${expected}`,
    `    came     ${came}`,
  ]);
  return ["", "disagreements:", ...lines];
}

function skippedLines(outcomes: readonly Outcome[]): string[] {
  const skipped = outcomes.filter((outcome) => outcome.verdict === "skipped");
  if (skipped.length === 0) return [];
  const reasons = Map.groupBy(skipped, ({ why }) => why);
  const lines = [...reasons].map(([why, members]) => {
    const ids = new Set(members.flatMap((member) => member.case.statements));
    return `  ${why}: ${[...ids].join(", ")}`;
  });
  return ["", "skipped:", ...lines];
}

function countOf(outcomes: readonly Outcome[], verdict: Outcome["verdict"]): number {
  return outcomes.filter((outcome) => outcome.verdict === verdict).length;
}

function countText(outcomes: readonly Outcome[], verdict: "disagrees" | "skipped"): string {
  const count = countOf(outcomes, verdict);
  return count === 0 ? "" : `${count} ${verdict === "disagrees" ? "disagree" : verdict}`;
}

/** One line of NDJSON for each check, and one for the totals. */
export function reportJson(target: string, outcomes: readonly Outcome[]): string {
  const checks = outcomes.map(({ case: each, ...rest }) => ({
    type: "check",
    group: each.group,
    title: each.check.title,
    protocol: each.version === 4 ? "3.1.1" : "5",
    statements: each.statements,
    ...rest,
  }));
  const total = {
    type: "summary",
    target,
    passed: countOf(outcomes, "passed"),
    disagree: countOf(outcomes, "disagrees"),
    skipped: countOf(outcomes, "skipped"),
  };
  return [...checks, total].map((line) => JSON.stringify(line)).join("\n");
}
