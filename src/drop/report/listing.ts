import { folded, padded, width } from "../../log/columns.ts";
import { jsonLine } from "../../log/foreign.ts";
import type { Scenario } from "../scenario.ts";

/** What `--list` prints on a terminal of so many columns. */
export function listing(catalogue: readonly Scenario[], columns: number): string {
  const rows = catalogue.map((scenario) => [
    scenario.quick ? "*" : " ",
    scenario.id,
    scenario.grade,
    needsText(scenario) === "" ? scenario.title : `${scenario.title} (${needsText(scenario)})`,
  ]);
  const all = [[" ", "scenario", "grade", "the drop (and what it needs)"], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => width(row[column] ?? ""))));
  const before = widths.reduce((sum, own) => sum + own + 2, 0);
  const lines = all.flatMap((row) => {
    const [title = ""] = row.slice(-1);
    const start = row
      .slice(0, -1)
      .map((text, column) => `${padded(text, widths[column] ?? 0)}  `)
      .join("");
    if (columns - before < titleMin) return stacked(start, title, columns);
    return folded(title, columns - before).map((line, index) =>
      ((index === 0 ? start : " ".repeat(before)) + line).trimEnd(),
    );
  });
  return [...lines, "", ...legend.flatMap((text) => folded(text, columns)), ""].join("\n");
}

const titleMin = 24;
/** Where a title stands below its scenario. */
const titleIndent = " ".repeat(5);
const legend = [
  "* in the quick set, which plays when none is named; --all plays all.",
  "must: a normative statement requires it; should: the text suggests it; ours: the standard allows " +
    "it, but users suffer. What does not pass is a failure where the grade is must, else a finding. " +
    "An arm of a scenario may have a grade of its own.",
  "mqttd simulate-drop --show ID describes one of them.",
];

/** Where there is no room for the titles beside the names. */
function stacked(start: string, title: string, columns: number): string[] {
  const lines = folded(title, columns - titleIndent.length);
  return [start.trimEnd(), ...lines.map((line) => titleIndent + line)];
}

/** `--list --json`: one object a scenario. */
export function jsonListing(catalogue: readonly Scenario[]): string {
  return catalogue
    .map((scenario) => `${jsonLine({ type: "scenario", ...told(scenario) })}\n`)
    .join("");
}

/** What `--show ID` prints; the commands of "By hand" are whole, however long, so that they can be pasted. */
export function portrait(scenario: Scenario, columns: number): string {
  const { id, title, grade, quick, does, passes, wrong, rule, means, remark } = scenario;
  const { byHandNote, byHand } = scenario;
  const wrapped = (text: string): readonly string[] => folded(text, columns - 2);
  const failures = Object.entries(means);
  const facts = [
    `grade ${grade}`,
    quick ? "in the quick set" : "plays with --all, or by its name",
    ...(needsText(scenario) === "" ? [] : [`needs: ${needsText(scenario)}`]),
    ...(scenario.serial
      ? [scenario.last === true ? "plays alone, after all others" : "plays alone"]
      : []),
  ];
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["What it does", wrapped(does)],
    ["It passes when", wrapped(`${passes}.`)],
    ["The rule", [...wrapped(`MQTT 3.1.1: ${rule.v4}`), ...wrapped(`MQTT 5: ${rule.v5}`)]],
    ["How brokers get it wrong", wrapped(wrong)],
    ["What a failure means", failures.flatMap(([failure, text]) => wrapped(`${failure}: ${text}`))],
    ["When it passes", remark === undefined ? [] : wrapped(remark)],
    ["By hand", [...(byHandNote === undefined ? [] : wrapped(byHandNote)), ...byHand]],
  ];
  const told = sections.filter(([, lines]) => lines.length > 0);
  return [
    ...folded(`${id}: ${title}`, columns),
    ...folded(`(${facts.join("; ")})`, columns),
    ...told.flatMap(([head, lines]) => ["", `${head}:`, ...lines.map((line) => `  ${line}`)]),
    "",
  ].join("\n");
}

/** `--show ID --json`. */
export function jsonPortrait(scenario: Scenario): string {
  const { does, passes, wrong, means, byHand, byHandNote = null, remark = null } = scenario;
  const more = { does, passes, wrong, means, byHandNote, byHand, remark };
  return `${jsonLine({ type: "scenario", ...told(scenario), ...more })}\n`;
}

function told({ id, title, grade, quick, serial, needs, rule }: Scenario): object {
  return { id, title, grade, quick, serial, needs, rule };
}

function needsText({ needs }: Scenario): string {
  return needs.map((need) => (need === "v5" ? "MQTT 5" : need)).join(", ");
}
