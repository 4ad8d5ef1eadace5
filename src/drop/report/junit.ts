import { escapeUnprintable } from "../../log/foreign.ts";
import { protocolText } from "../protocol.ts";
import type { Result } from "../scenario.ts";
import { endedResults, type Report } from "./summary.ts";

/**
 * The results as JUnit XML: one suite for each protocol at each address. What is neither passed nor
 * failed counts as passed and says so in `system-out`, unless the report is strict; what says
 * nothing (skipped, inconclusive) is skipped.
 */
export function junitReport(report: Report): string {
  const suites = new Map<string, Result[]>();
  for (const result of endedResults(report)) {
    const name = `simulate-drop MQTT ${protocolText(result.protocol)} ${result.target}`;
    suites.set(name, [...(suites.get(name) ?? []), result]);
  }
  const lines = [...suites].flatMap(([name, results]) => suiteLines(name, results, report));
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    element("testsuites", countsOf([...suites.values()].flat(), report, "mqttd simulate-drop")),
    ...lines,
    "</testsuites>\n",
  ].join("\n");
}

type Attributes = Readonly<Record<string, string | number>>;

function suiteLines(name: string, results: readonly Result[], report: Report): string[] {
  return [
    `  ${element("testsuite", countsOf(results, report, name))}`,
    ...results.flatMap((result) => caseLines(result, report)),
    "  </testsuite>",
  ];
}

function countsOf(results: readonly Result[], report: Report, name: string): Attributes {
  const kinds = results.map((result) => kindOf(result, report));
  return {
    name,
    tests: results.length,
    failures: kinds.filter((kind) => kind === "failure").length,
    errors: 0,
    skipped: kinds.filter((kind) => kind === "skipped").length,
    time: seconds(results.reduce((sum, result) => sum + (report.tookMs.get(result) ?? 0), 0)),
  };
}

function caseLines(result: Result, report: Report): string[] {
  const { id, arm, protocol, verdict, failure, detail, means, rule } = result;
  const attributes = {
    name: id,
    classname: `simulate-drop.mqtt-${protocolText(protocol)}`,
    time: seconds(report.tookMs.get(result) ?? 0),
  };
  const seen = arm === "" ? detail : `${arm}: ${detail}`;
  const body = [means, `rule ${rule}`].filter((line) => line !== null);
  const inner = ((): string[] => {
    switch (kindOf(result, report)) {
      case "failure": {
        const type = failure ?? verdict;
        return [`      ${element("failure", { message: seen, type })}${text(body)}</failure>`];
      }
      case "skipped": {
        const message = verdict === "skipped" ? seen : `${verdict}: ${seen}`;
        return [`      ${element("skipped", { message }, true)}`];
      }
      case "passed": {
        if (verdict === "pass") return [];
        return [`      <system-out>${text([`${verdict}: ${seen}`, ...body])}</system-out>`];
      }
    }
  })();
  if (inner.length === 0) return [`    ${element("testcase", attributes, true)}`];
  return [`    ${element("testcase", attributes)}`, ...inner, "    </testcase>"];
}

function kindOf({ verdict }: Result, { strict }: Report): "passed" | "failure" | "skipped" {
  switch (verdict) {
    case "pass":
      return "passed";
    case "fail":
      return "failure";
    case "finding":
    case "late":
      return strict ? "failure" : "passed";
    case "inconclusive":
    case "skipped":
      return "skipped";
  }
}

function element(name: string, attributes: Attributes, isEmpty = false): string {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escaped(escapeUnprintable(String(value)))}"`,
  );
  return `<${name}${written.join("")}${isEmpty ? "/>" : ">"}`;
}

/** Whole, however long: it is advice. Each of its lines is one. */
function text(lines: readonly string[]): string {
  return lines.map((line) => escaped(escapeUnprintable(line))).join("\n");
}

/** What XML itself can't hold, such as U+0000, is escaped already. */
function escaped(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(3);
}
