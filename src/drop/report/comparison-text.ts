import pc from "picocolors";
import { folded, proseMax } from "../../log/columns.ts";
import { clause, jsonLine, name } from "../../log/foreign.ts";
import {
  brokerText,
  type Change,
  type ComparedArm,
  type ComparedResult,
  type Comparison,
  countOf,
  isJudged,
  versionText,
} from "./comparison.ts";
import type { Recording, ResultRecord } from "./records.ts";
import { cellText, type Colors, paintOf, verdictWord } from "./table.ts";
import type { TextStyle } from "./text.ts";

/** A run, and the name of the file that it was read from. */
export interface Named {
  readonly file: string;
  readonly recording: Recording;
}

/** Told one by one, in this order; of what stayed, only what is not right. */
const told = ["worse", "better", "appeared", "disappeared"] as const;

/** What a person reads of a comparison. */
export function comparisonText(
  comparison: Comparison,
  [before, after]: readonly [Named, Named],
  { columns: width, color }: TextStyle,
): string {
  const colors = pc.createColors(color);
  const columns = Math.min(width, proseMax);
  const wrap = (text: string, indent = 0): string =>
    folded(text, columns - indent)
      .map((line) => " ".repeat(indent) + line)
      .join("\n");
  const groups = told.flatMap((change) => {
    const some = comparison.results.filter((result) => result.change === change);
    if (some.length === 0) return [];
    const lines = alike(some).flatMap((results) => [
      ...results.map((result) => headOf(result, colors, columns)),
      ...reasonsOf(results[0]).map((text) => wrap(text, 4)),
    ]);
    return [[colors.bold(headings[change]), ...lines].join("\n")];
  });
  const wrong = comparison.results.filter(isStillWrong);
  const stillWrong = wrong.map((result) => headOf(result, colors, columns));
  return `${[
    [wrap(`before: ${runText(before)}`), wrap(`after: ${runText(after)}`)].join("\n"),
    ...groups,
    ...(wrong.length === 0
      ? []
      : [[colors.bold("As before, and not right:"), ...stillWrong].join("\n")]),
    ...notes(comparison, [before, after]).map((text) => wrap(text)),
    colors.bold(wrap(countsText(comparison))),
  ].join("\n\n")}\n`;
}

/** One line for each result, and one for the whole. */
export function jsonComparison(comparison: Comparison): string {
  const { results, differences, exitCode } = comparison;
  const counts = Object.fromEntries(
    [...told, "stayed" as const].map((change) => [change, countOf(comparison, change)]),
  );
  const lines = results.map(({ id, protocol, via, change, before, after, arms }) => ({
    type: "change",
    id,
    protocol,
    via,
    change,
    before: side(before),
    after: side(after),
    arms,
  }));
  const all = [...lines, { type: "comparison", ...counts, differences, exitCode }];
  return all.map((line) => `${jsonLine(line)}\n`).join("");
}

const headings: Readonly<Record<Exclude<Change, "stayed">, string>> = {
  worse: "Worse:",
  better: "Better:",
  appeared: "Appeared (judged after, not before):",
  disappeared: "Disappeared (judged before, not after):",
};

function side(result: ResultRecord | null): object | null {
  if (result === null) return null;
  const { verdict, failure, arm, dueMs, gotMs, latenessMs, detail, means } = result;
  return { verdict, failure, arm, dueMs, gotMs, latenessMs, detail, means };
}

function runText({ file, recording }: Named): string {
  const { run, summary } = recording;
  const via = run.via === null ? "" : ` and via ${name(run.via)}`;
  const end =
    summary === null
      ? "; it has no summary: the run did not end"
      : summary.cutShort === null
        ? ""
        : `; cut short: ${clause(summary.cutShort)}`;
  const at = clause(run.at.replace("T", " ").replace(/\.\d+Z$/, "Z"));
  return `${name(file)}: ${name(run.target)}${via}, ${at}, mqttd ${clause(versionText(recording))}, broker: ${clause(brokerText(recording))}${end}`;
}

/** `half-open (MQTT 5): pass +5 ms -> FAIL no will`, in the colour of what it is now. */
function headOf(result: ComparedResult, colors: Colors, columns: number): string {
  const { id, protocol, via, before, after, change } = result;
  const where = `MQTT ${protocol}${via ? " via" : ""}`;
  const [was, is] = [cellOf(before), cellOf(after)];
  const what = change === "stayed" && was === is ? is : `${was} -> ${is}`;
  const paint = after === null ? colors.dim : paintOf(after.verdict)(colors);
  return folded(`${name(id)} (${where}): ${what}`, columns - 2, { indent: 2 })
    .map((line) => `  ${paint(line)}`)
    .join("\n");
}

function cellOf(result: ResultRecord | null): string {
  return result === null ? "not played" : cellText(result);
}

/** Of one scenario, those that differ in numbers only: their reasons are told once. */
function alike(
  results: readonly ComparedResult[],
): (readonly [ComparedResult, ...ComparedResult[]])[] {
  const groups = new Map<string, [ComparedResult, ...ComparedResult[]]>();
  for (const result of results) {
    const key = `${result.id}\n${reasonsOf(result)
      .join("\n")
      .replace(/\d+(\.\d+)?/g, "#")}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [result]);
    else group.push(result);
  }
  return [...groups.values()];
}

/** Below the head: the arms that changed, what was seen, what it means. */
function reasonsOf(result: ComparedResult): string[] {
  const { arms, after, before, change } = result;
  const named = arms.filter(({ arm }) => arm !== "").map(armText);
  if (change === "better") return named;
  if (after === null) {
    const isTold = before !== null && isJudged(before) && before.verdict !== "pass";
    return isTold ? [...named, `before: ${clause(before.detail)}`] : named;
  }
  const means = after.means === null || after.verdict === "pass" ? [] : [clause(after.means)];
  const seen = after.verdict === "pass" ? [] : [clause(after.detail)];
  return [...named, ...seen, ...means];
}

function armText({ arm, before, after, change }: ComparedArm): string {
  const [was, is] = [before, after].map(({ verdict }) => verdictWord(verdict));
  const verdicts = was === is ? `${is}, by more than before` : `${was} -> ${is}`;
  return `${clause(arm)}: ${change === "better" && was === is ? `${is}, by less than before` : verdicts}`;
}

function isStillWrong({ change, after }: ComparedResult): boolean {
  return change === "stayed" && isJudged(after) && after?.verdict !== "pass";
}

function notes({ results, differences }: Comparison, runs: readonly [Named, Named]): string[] {
  const different =
    differences.length === 0
      ? []
      : [`Not the same in both runs, and maybe the cause: ${differences.map(clause).join("; ")}.`];
  const isBoth = results.some(({ before, after }) => isJudged(before) && isJudged(after));
  const none = isBoth ? [] : ["No scenario was judged in both runs: nothing can be compared."];
  const unended = runs.some(
    ({ recording: { summary } }) => summary === null || summary.cutShort !== null,
  );
  const partial = unended
    ? ["A run ended before its time: what is missing there says nothing."]
    : [];
  return [...different, ...partial, ...none];
}

function countsText(comparison: Comparison): string {
  const counts = told.map((change) => `${countOf(comparison, change)} ${change}`);
  return `${counts.join(", ")}, ${countOf(comparison, "stayed")} stayed`;
}
