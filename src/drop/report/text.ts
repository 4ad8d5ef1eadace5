import pc from "picocolors";
import { duration, setting } from "../../log/duration.ts";
import { folded, proseMax } from "../../log/columns.ts";
import { clause } from "../../log/foreign.ts";
import { type Matter, mattersOf } from "./causes.ts";
import { protocolText } from "../protocol.ts";
import type { Result, Verdict } from "../scenario.ts";
import { endedResults, hasJudged, type Report, summarize, type Summary } from "./summary.ts";
import { type Colors, paintOf, resultTable, verdictWord } from "./table.ts";

export interface TextStyle {
  /** Of the terminal; 80 where there is none. */
  readonly columns: number;
  readonly color: boolean;
}

/** What a person reads at the end: the table, a paragraph for each cause, and the closing line. */
export function textReport(report: Report, style: TextStyle): string {
  const colors = pc.createColors(style.color);
  const ended = endedResults(report);
  const prose = new Prose(Math.min(style.columns, proseMax), colors);
  // A protocol that the broker does not speak is one line, not a column.
  const unspoken = ended.filter(isUnspoken);
  const told = ended.filter((result) => !isUnspoken(result));
  const parts = [
    prose.wrap(heading(report, ended), 0),
    ...(told.length === 0 ? [] : [resultTable(told, style.columns, colors).join("\n")]),
    ...mattersOf(ended).map((matter) => matterParagraph(matter, report, prose)),
    ...reasons(told, "inconclusive").map(([why, some]) => inconclusiveParagraph(why, some, prose)),
    ...skips(reasons(told, "skipped"), reasons(unspoken, "skipped"), prose),
    ...remarks(ended, prose),
    closing(report, mattersOf(ended), prose),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The one line at the end: `37 passed, 1 failed, 2 findings, 6 skipped in 12.3 s`. */
export function closingLine(summary: Summary, elapsedMs: number): string {
  const { passed, failed, findings, late, inconclusive, skipped, notPlayed } = summary;
  const rest: readonly (readonly [number, string])[] = [
    [findings, findings === 1 ? "finding" : "findings"],
    [late, "late"],
    [inconclusive, "inconclusive"],
    [skipped, "skipped"],
    [notPlayed, "not played"],
  ];
  const said = rest.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  const counts = [`${passed} passed`, `${failed} failed`, ...said].join(", ");
  return `${counts} in ${(elapsedMs / 1000).toFixed(1)} s`;
}

function heading({ keepAliveSeconds, waitMs }: Report, results: readonly Result[]): string {
  const [target, via] = targetsOf(results);
  if (target === undefined) return "No scenario has ended.";
  const also = via === undefined ? "" : `, and via ${via}`;
  return `${target}${also} (keepalive ${keepAliveSeconds} s, wait ${setting(waitMs)})`;
}

function matterParagraph(matter: Matter, report: Report, prose: Prose): string {
  const { verdict, names, id, results, seen, means } = matter;
  const head = `${listed(names)} (${where(results, report)}): ${seen}.`;
  const passes = report.scenarios.find((scenario) => scenario.id === id)?.passes;
  const rules = [...new Set(results.map(({ rule }) => rule))].join(", ");
  const lines = [
    ...(means === null ? [] : [means]),
    ...throughProxy(results, report),
    `Rule ${rules}${passes === undefined ? "" : `; it passes when ${passes}`}.`,
    `By hand: mqttd simulate-drop --show ${id}`,
  ];
  return [prose.verdict(verdict, head), ...lines.map((line) => prose.wrap(line, 2))].join("\n");
}

/** Where the first address does it right and the second does not, something between them is to blame. */
function throughProxy(results: readonly Result[], { results: all }: Report): string[] {
  const [target, via] = targetsOf(all);
  if (via === undefined || results.some((result) => result.target !== via)) return [];
  const isRightWithout = results.every(({ id, protocol }) =>
    all.some(
      (other) =>
        other.id === id &&
        other.protocol === protocol &&
        other.target === target &&
        other.verdict === "pass",
    ),
  );
  if (!isRightWithout) return [];
  return [`Directly at ${target} it passes: check what is between ${via} and the broker.`];
}

function inconclusiveParagraph(why: string, results: readonly Result[], prose: Prose): string {
  const ids = listed([...new Set(results.map(({ id }) => id))]);
  const hint = results.some(({ noVerdict }) => noVerdict === "may not publish")
    ? ["Name a topic that it may use (--will-topic), or log in as another user (-u, -P)."]
    : [];
  const text = `${ids} (${protocols(results)}): ${why}.`;
  return [prose.verdict("inconclusive", text), ...hint.map((line) => prose.wrap(line, 2))].join(
    "\n",
  );
}

function skips(
  reasons: readonly (readonly [string, readonly Result[]])[],
  unspoken: readonly (readonly [string, readonly Result[]])[],
  prose: Prose,
): string[] {
  const lines = [
    ...unspoken.map(([why, results]) => `skipped ${protocols(results)} altogether: ${why}.`),
    ...reasons.map(
      ([why, results]) =>
        `skipped ${listed([...new Set(results.map(({ id }) => id))], 8)} (${protocols(results)}): ${why}.`,
    ),
  ];
  return lines.length === 0 ? [] : [lines.map((line) => prose.wrap(line, 0)).join("\n")];
}

/** What a pass may surprise with. */
function remarks(results: readonly Result[], prose: Prose): string[] {
  const said = new Map<string, string>();
  for (const { verdict, id, means } of results) {
    if (verdict === "pass" && means !== null) said.set(means, id);
  }
  return [...said].map(([means, id]) => prose.wrap(`note ${id}: ${means}`, 0));
}

function closing(report: Report, matters: readonly Matter[], prose: Prose): string {
  const summary = summarize(report);
  const { worstKeepaliveLatenessMs: worst } = summary;
  const before: string[] = [...ruleHint(matters)];
  if (report.cut !== null) before.push(`The run was cut short: ${report.cut.why}.`);
  else if (!hasJudged(summary)) {
    before.push("No scenario could be judged: nothing is known about this broker.");
  }
  if (worst !== null) before.push(`Keepalive deadlines were at worst ${duration(worst)} late.`);
  const last = prose.colors.bold(prose.wrap(closingLine(summary, report.elapsedMs), 0));
  return [...before.map((line) => prose.wrap(line, 0)), last].join("\n");
}

/** Where the first of the statements that were cited can be read. */
function ruleHint(matters: readonly Matter[]): string[] {
  const cited = matters.flatMap(({ results }) => results.map(({ rule }) => rule));
  const [id] = /v\d-[\d.]+-\d+/.exec(cited.join(" ")) ?? [];
  return id === undefined ? [] : [`What a rule says: mqttd rule ${id}`];
}

/** Results of one verdict by their reasons; names of our own topics do not make them different. */
function reasons(
  results: readonly Result[],
  verdict: "inconclusive" | "skipped",
): (readonly [string, readonly Result[]])[] {
  const found = new Map<string, Result[]>();
  for (const result of results) {
    if (result.verdict !== verdict) continue;
    const why = clause(result.detail).replace(/mqttd-drop\/[\w./-]+/g, "mqttd-drop/...");
    found.set(why, [...(found.get(why) ?? []), result]);
  }
  return [...found];
}

function isUnspoken({ noVerdict }: Result): boolean {
  return noVerdict === "unspoken";
}

function targetsOf(results: readonly Result[]): string[] {
  return [...new Set(results.map(({ target }) => target))];
}

/** `MQTT 3.1.1 and 5`; with two addresses also where. */
function where(results: readonly Result[], { results: all }: Report): string {
  const targets = targetsOf(results);
  const [first, via] = targetsOf(all);
  if (via === undefined) return protocols(results);
  const places = targets.map((target) => {
    const own = protocols(results.filter((result) => result.target === target));
    return [own, target === first ? "directly" : "via the second address"] as const;
  });
  const [[own, place] = ["", ""], other] = places;
  if (other?.[0] === own) return `${own}, at both addresses`;
  return other === undefined ? `${own} ${place}` : `${own} ${place}, ${other.join(" ")}`;
}

function protocols(results: readonly Result[]): string {
  const names = [...new Set(results.map(({ protocol }) => protocolText(protocol)))];
  return `MQTT ${names.join(" and ")}`;
}

function listed(names: readonly string[], max = 5): string {
  if (names.length <= max + 1) return names.join(", ");
  return `${names.slice(0, max).join(", ")} and ${names.length - max} more`;
}

/** Paragraphs of at most so many columns. */
class Prose {
  readonly colors: Colors;
  readonly #columns: number;

  constructor(columns: number, colors: Colors) {
    this.#columns = columns;
    this.colors = colors;
  }

  wrap(text: string, indent: number): string {
    const margin = " ".repeat(indent);
    return folded(text, this.#columns - indent)
      .map((line) => margin + line)
      .join("\n");
  }

  /** The verdict in its color, then `rest`. */
  verdict(verdict: Verdict, rest: string): string {
    const word = verdictWord(verdict);
    const [first = word, ...more] = folded(`${word} ${rest}`, this.#columns);
    return [paintOf(verdict)(this.colors)(word) + first.slice(word.length), ...more].join("\n");
  }
}
