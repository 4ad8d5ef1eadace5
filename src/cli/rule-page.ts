import pc from "picocolors";
import { assert } from "../core/assert.ts";
import { catalogue } from "../drop/scenarios/catalogue.ts";
import { folded, padded, proseMax, width } from "../log/columns.ts";
import { jsonLine } from "../log/foreign.ts";
import { evidence } from "../standard/evidence.ts";
import { subjectOf } from "../standard/sections.ts";
import type { Bound, Statement, StatementId } from "../standard/statement.ts";
import { clientAlone } from "../standard/statement.ts";
import { ledger, placeOf, statementIds, versionName } from "../standard/statements.ts";
import { commandLines } from "./help.ts";
import type { Asked } from "./rule-words.ts";

export interface RuleStyle {
  /** Of the terminal; infinite where there is none, so that lines stay whole. */
  readonly columns: number;
  readonly color: boolean;
}

/** All that is known of a statement; `--json` prints it as it is. */
interface Rule {
  readonly id: StatementId;
  readonly version: string;
  readonly section: string;
  readonly subject: string | null;
  readonly says: string;
  readonly binds: Bound;
  readonly status: Statement["status"];
  /** Why no test names it; null: some do. */
  readonly why: string | null;
  readonly obeyed: readonly { readonly file: string; readonly noun: string }[];
  readonly tests: readonly { readonly file: string; readonly title: string }[];
  /** Of `mqttd simulate-drop`, those whose verdict it decides. */
  readonly scenarios: readonly string[];
}

function ruleOf(id: StatementId): Rule {
  const statement = ledger[id];
  assert(statement !== undefined, `the ledger has ${id}`);
  const { says, binds, status, why } = statement;
  const { version, section } = placeOf(id);
  const { obeyed = [], tests = [] } = evidence[id] ?? {};
  return {
    id,
    version: versionName(version),
    // Statements of 3.1 itself are numbered 3.1.0.
    section: section.replace(/(?:\.0)+$/, ""),
    subject: subjectOf(version, section),
    says,
    binds,
    status,
    why: why === "" ? null : why,
    obeyed: obeyed.map(pairOf).map(([file, noun]) => ({ file, noun })),
    tests: tests.map(pairOf).map(([file, title]) => ({ file, title })),
    scenarios: catalogue.filter(({ rule }) => names(rule, id)).map((scenario) => scenario.id),
  };
}

function pairOf(text: string): readonly [string, string] {
  const blank = text.indexOf(" ");
  return [text.slice(0, blank), text.slice(blank + 1)];
}

function names(rule: Readonly<Record<"v4" | "v5", string>>, id: StatementId): boolean {
  return [rule.v4, rule.v5].some((text) => text.split(/[^\w.-]+/).includes(id));
}

/** One object a line, each of a statement. */
export function rulesJson(asked: readonly Asked[]): string {
  const ids = new Set(asked.flatMap(({ ids }) => ids));
  return [...ids].map((id) => `${jsonLine(ruleOf(id))}\n`).join("");
}

/** What was asked for, in its order; each statement once in full, and each list once. */
export function rulesText(asked: readonly Asked[], { columns, color }: RuleStyle): string {
  const page = new Page(columns === Infinity ? Infinity : Math.min(columns, proseMax), color);
  const full = new Set(asked.flatMap(({ ids, inFull }) => (inFull ? ids : [])));
  const inLists = new Set(asked.flatMap(({ ids, inFull }) => (inFull ? [] : ids)));
  // By section, whatever was named first.
  const listed = statementIds.filter((id) => inLists.has(id));
  const parts = [
    ...[...full].map((id) => page.portrait(ruleOf(id))),
    ...page.lists(listed.map(ruleOf)),
    page.closing(listed.length > 0, full.size > 0),
  ];
  return `${parts.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Where the tests of the ledger are; their lines leave it out. */
const checksFolder = "tests/conformance/checks/";
const indent = "  ";
const gap = 2;

class Page {
  readonly #columns: number;
  readonly #colors: ReturnType<typeof pc.createColors>;

  constructor(columns: number, color: boolean) {
    this.#columns = columns;
    this.#colors = pc.createColors(color);
  }

  portrait(rule: Rule): string[] {
    const { id, says, obeyed, tests, scenarios } = rule;
    const [first = "", ...more] = folded(`${id}: ${headOf(rule)}`, this.#columns, { indent: gap });
    return [
      first.replace(id, this.#colors.bold(id)),
      ...more,
      ...this.#below([`${capital(says)}.`, ...remarksOn(rule)], 1, 0),
      ...this.#section("Obeyed in", obeyed.map(placeText)),
      ...this.#section(`Tests in ${checksFolder}`, tests.map(testText)),
      ...(scenarios.length === 0 ? [] : this.#command(scenarios)),
    ];
  }

  #command(scenarios: readonly string[]): string[] {
    const margin = indent.repeat(2);
    const lines = commandLines(command(scenarios), this.#columns - margin.length);
    return [`${indent}What a broker makes of it:`, ...lines.map((line) => margin + line)];
  }

  /** A list for each section of each version. */
  lists(rules: readonly Rule[]): string[][] {
    const sections = Map.groupBy(rules, headOf);
    const idWidth = Math.max(0, ...rules.map(({ id }) => width(id))) + gap;
    return [...sections].map(([head, members]) => [
      ...folded(head, this.#columns, { indent: gap }).map((line) => this.#colors.bold(line)),
      ...members.flatMap((rule) => {
        const room = this.#columns - indent.length - idWidth;
        const lines = folded(lineOf(rule), room);
        return lines.map(
          (line, index) => indent + padded(index === 0 ? rule.id : "", idWidth) + line,
        );
      }),
    ]);
  }

  closing(hasLists: boolean, hasFull: boolean): string[] {
    const lines = [
      ...(hasLists
        ? ["mqttd rule ID shows where mqttd obeys a statement, and what tests it."]
        : []),
      ...(hasLists || hasFull
        ? [
            "The wording is ours. The standards are free to read: " +
              "docs.oasis-open.org/mqtt/mqtt/v3.1.1 and docs.oasis-open.org/mqtt/mqtt/v5.0",
          ]
        : []),
    ];
    return lines.flatMap((line) =>
      folded(line, this.#columns).map((part) => this.#colors.dim(part)),
    );
  }

  #section(title: string, items: readonly string[]): string[] {
    if (items.length === 0) return [];
    return [...this.#below([`${title}:`], 1), ...this.#below(items, 2)];
  }

  #below(texts: readonly string[], depth: number, hanging = gap): string[] {
    const margin = indent.repeat(depth);
    return texts.flatMap((text) =>
      folded(text, this.#columns - margin.length, { indent: hanging }).map((line) => margin + line),
    );
  }
}

function headOf({ version, section, subject }: Rule): string {
  return `MQTT ${version}, section ${section}${subject === null ? "" : ` (${subject})`}`;
}

function lineOf({ says, status, why }: Rule): string {
  return status === "gap" ? `${says} (no test: ${why ?? ""})` : says;
}

/** Whom it binds, and what there is not. */
function remarksOn({ binds, status, why, obeyed }: Rule): string[] {
  const bound = binds === "both" ? "client and server" : `the ${binds}`;
  if (status === "not applicable" && why === clientAlone) {
    return ["Binds the client. No server has to react to a breach, so no test names it."];
  }
  if (status !== "tested") {
    const what = status === "gap" ? "No test" : "Does not apply to mqttd";
    return [`Binds ${bound}.`, `${what}: ${why ?? ""}.`];
  }
  return [`Binds ${bound}.`, ...(obeyed.length === 0 ? ["No line of src/ cites it yet."] : [])];
}

function command(scenarios: readonly string[]): string {
  return `mqttd simulate-drop ${scenarios.join(" ")}`;
}

function placeText({ file, noun }: Rule["obeyed"][number]): string {
  return `${file} ${noun}`;
}

function testText({ file, title }: Rule["tests"][number]): string {
  return `${file.replace(checksFolder, "")}: ${title}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
