import { jsonLine } from "../log/foreign.ts";
import type { Scenario } from "./scenario.ts";

const columns = 80;

/** What `--list` prints. */
export function listing(catalogue: readonly Scenario[]): string {
  const rows = catalogue.map((scenario) => [
    scenario.quick ? "*" : " ",
    scenario.id,
    scenario.grade,
    needsText(scenario) === "" ? scenario.title : `${scenario.title} (${needsText(scenario)})`,
  ]);
  const all = [[" ", "scenario", "grade", "the drop (and what it needs)"], ...rows];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...all.map((row) => (row[column] ?? "").length)),
  );
  const before = widths.reduce((sum, width) => sum + width + 2, 0);
  const lines = all.flatMap((row) => {
    const [title = ""] = row.slice(-1);
    return wrapped(title, columns - before).map((line, index) =>
      (index === 0 ? row.slice(0, -1) : widths.map(() => ""))
        .map((text, column) => `${text.padEnd(widths[column] ?? 0)}  `)
        .join("")
        .concat(line)
        .trimEnd(),
    );
  });
  return [
    ...lines,
    "",
    "* in the quick set, which plays when none is named; --all plays every one.",
    "must: the standard's word; should: follows from it; ours: it allows it, and",
    "users suffer. What does not pass is a failure where the grade is must, else a",
    "finding. mqttd simulate-drop --show ID says all about one of them.",
    "",
  ].join("\n");
}

/** `--list --json`: one object a scenario. */
export function jsonListing(catalogue: readonly Scenario[]): string {
  return catalogue
    .map((scenario) => `${jsonLine({ type: "scenario", ...told(scenario) })}\n`)
    .join("");
}

/** What `--show ID` prints. */
export function portrait(scenario: Scenario): string {
  const { id, title, grade, quick, does, passes, wrong, rule, means, byHand, remark } = scenario;
  const failures = Object.entries(means);
  const facts = [
    `grade ${grade}`,
    quick ? "in the quick set" : "plays with --all, or by its name",
    ...(needsText(scenario) === "" ? [] : [`needs: ${needsText(scenario)}`]),
    ...(scenario.serial ? ["plays alone"] : []),
  ];
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["What it does", wrapped(does)],
    ["It passes when", wrapped(`${passes}.`)],
    ["The rule", [`MQTT 3.1.1: ${rule.v4}`, `MQTT 5: ${rule.v5}`]],
    ["How brokers get it wrong", wrapped(wrong)],
    ["What a failure means", failures.flatMap(([failure, text]) => wrapped(`${failure}: ${text}`))],
    ["When it passes", remark === undefined ? [] : wrapped(remark)],
    ["By hand", byHand],
  ];
  const told = sections.filter(([, lines]) => lines.length > 0);
  return [
    `${id}: ${title}`,
    `(${facts.join("; ")})`,
    ...told.flatMap(([head, lines]) => ["", `${head}:`, ...lines.map((line) => `  ${line}`)]),
    "",
  ].join("\n");
}

/** `--show ID --json`. */
export function jsonPortrait(scenario: Scenario): string {
  const { does, passes, wrong, means, byHand, remark = null } = scenario;
  const more = { does, passes, wrong, means, byHand, remark };
  return `${jsonLine({ type: "scenario", ...told(scenario), ...more })}\n`;
}

function told({ id, title, grade, quick, serial, needs, rule }: Scenario): object {
  return { id, title, grade, quick, serial, needs, rule };
}

function needsText({ needs }: Scenario): string {
  return needs.map((need) => (need === "v5" ? "MQTT 5" : need)).join(", ");
}

function wrapped(text: string, width = columns - 2): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && longer.length > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line];
}
