import { sentence } from "./parts.ts";
import type { Finding, Report } from "./lint.ts";
import { type ExplanationStyle, Page, ruleHint } from "./text.ts";
import { counted } from "../../log/counted.ts";
import { timeOfDay } from "../../log/render.ts";
import { name } from "../../log/foreign.ts";

/** The report for a person: the counts, then each habit with its evidence and its remedy. */
export function reportText(
  { onPurpose, findings, clients, leftOut, dropClient, more }: Report,
  style: ExplanationStyle,
): string {
  const page = new Page(style);
  const proved = findings.filter(({ mark }) => mark === "proved").length;
  const habits = counted(findings.length, "habit");
  const found =
    findings.length === 0
      ? "No habit found"
      : `${habits} found, ${proved} proved and ${findings.length - proved} likely`;
  const head = sentence(`${found}, in the records of ${counted(clients, "client")}.`);
  const own =
    leftOut.clients > 0
      ? [leftOutText(leftOut)]
      : dropClient && findings.length > 0
        ? [diesOnPurpose]
        : [];
  const rest = more ? ["There are more clients; --limit N looks at up to N."] : [];
  const lines = findings.map((finding) =>
    page.hanging(`${finding.mark}  `, {
      text: `${name(finding.clientId)}, ${finding.topic} (${seenText(finding, style.zone ?? "local")}): ${finding.text}`,
      rule: finding.rule,
    }),
  );
  const hints = ruleHint(findings).map((hint) => page.prose(hint));
  const parts = [
    ...(onPurpose === null ? [] : [page.prose(onPurpose)]),
    page.prose(head),
    ...(lines.length === 0 ? [] : [lines.join("\n")]),
    ...own.map((text) => page.prose(sentence(text))),
    ...rest,
    ...hints,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Of a client that was asked for. */
const diesOnPurpose =
  "By its names it is a client of `mqttd simulate-drop`: then it dies on purpose, and nothing is to be changed.";

function leftOutText({ clients, habits }: Report["leftOut"]): string {
  const which = `${counted(clients, "client")} of simulate-drop left out (by names: mqttd-drop...)`;
  return (
    `${which}, with ${counted(habits, "habit")}: such clients die on purpose. If another has such a name: ` +
    "`mqttd inspect lint --client ID`."
  );
}

/** `at 14:36:30.000, on 2 of 3 connections`. */
function seenText({ at, seen, of }: Finding, zone: "local" | "utc"): string {
  const where = seen === null || of === 1 ? "" : `, on ${seen} of ${of} connections`;
  return `at ${timeOfDay(at, zone)}${where}`;
}
