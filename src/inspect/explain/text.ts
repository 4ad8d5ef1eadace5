import type { Colors } from "picocolors/types.js";
import { folded, proseMax } from "../../log/columns.ts";
import { escapeUnprintable } from "../../log/foreign.ts";
import { timeOfDay } from "../../log/render.ts";
import type { Explanation, Sentence, StoryLine } from "./parts.ts";

export interface ExplanationStyle {
  /** Of the terminal; lines get no longer, but for a word that is. */
  readonly columns: number;
  /** Of picocolors' `createColors`. */
  readonly colors: Colors;
  /** Whose hours are shown. Default: local. */
  readonly zone?: "local" | "utc";
}

/** The explanation for a person: the verdict, the story, what can happen, what to change. */
export function explanationText(explanation: Explanation, style: ExplanationStyle): string {
  const { away, onPurpose, verdict, before, story, next, advice, others } = explanation;
  const { colors } = style;
  const page = new Page(style);
  const items = (sentences: readonly Sentence[]): string[] =>
    sentences.map((one) => page.hanging("- ", one));
  const parts = [
    ...(away === null ? [] : [page.prose(away)]),
    ...(onPurpose === null ? [] : [page.prose(onPurpose)]),
    colors.bold(page.prose(verdict)),
    ...(before === null ? [] : [page.prose(before)]),
    ...page.section(
      "What happened",
      story.map((line) => page.timed(line)),
    ),
    ...page.section("What can happen now", items(next)),
    ...page.section("What to change", items(advice)),
    ...page.section(
      "Its other connections",
      others.map((line) => page.timed(line)),
    ),
    ...ruleHint([
      verdict,
      ...(before === null ? [] : [before]),
      ...story,
      ...next,
      ...advice,
      ...others,
    ]).map((hint) => page.prose(hint)),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Where the first of the cited statements can be read; sections have no page. */
export function ruleHint(sentences: readonly Sentence[]): Sentence[] {
  const rule = sentences.map((one) => one.rule).find((id) => /-\d+$/.test(id ?? "")) ?? null;
  return rule === null ? [] : [{ text: `What a statement says: mqttd rule ${rule}`, rule: null }];
}

export class Page {
  readonly #columns: number;
  readonly #colors: Colors;
  readonly #zone: "local" | "utc";

  constructor({ columns, colors, zone }: ExplanationStyle) {
    this.#columns = Math.max(40, Math.min(columns, proseMax));
    this.#colors = colors;
    this.#zone = zone ?? "local";
  }

  section(title: string, items: readonly string[]): string[] {
    if (items.length === 0) return [];
    return [[this.#colors.underline(title), ...items].join("\n")];
  }

  prose(said: Sentence): string {
    return this.#dimRules(folded(textOf(said), this.#columns).join("\n"));
  }

  timed(line: StoryLine): string {
    return this.hanging(`${timeOfDay(line.at, this.#zone)}  `, line);
  }

  /** Behind a mark, and wrapped under itself. */
  hanging(mark: string, said: Sentence): string {
    const lines = folded(textOf(said), this.#columns - mark.length - 2);
    const indent = " ".repeat(mark.length);
    return this.#dimRules(
      lines
        .map((line, index) => `  ${index === 0 ? this.#colors.dim(mark) : indent}${line}`)
        .join("\n"),
    );
  }

  #dimRules(text: string): string {
    return text.replace(/\[v\d-[\d.-]+\](?=\n|$)/g, (rule) => this.#colors.dim(rule));
  }
}

function textOf({ text, rule }: Sentence): string {
  return escapeUnprintable(rule === null ? text : `${text} [${rule}]`);
}
