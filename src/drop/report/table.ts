import type pc from "picocolors";
import { duration } from "../../log/duration.ts";
import { folded, padded, startOf, width } from "../../log/columns.ts";
import { protocolText } from "../protocol.ts";
import type { Result, Verdict } from "../scenario.ts";

export type Colors = ReturnType<typeof pc.createColors>;

/**
 * The results as a table, one line a scenario, one column for each protocol at each address; where
 * there is no room for columns, one line for each result.
 */
export function resultTable(
  results: readonly Result[],
  columns: number,
  colors: Colors,
): readonly string[] {
  const ways = waysOf(results);
  const rows = [...new Set(results.map(({ id }) => id))].map((id) => {
    const own = results.filter((result) => result.id === id);
    return { id, own, cells: ways.map((way) => own.find((result) => way.has(result)) ?? null) };
  });
  const layouts = layoutsFor(ways, rows, columns);
  const fitting = layouts.find((layout) => widthOf(layout) <= columns);
  if (fitting === undefined) return rows.flatMap((row) => listedRow(ways, row, columns, colors));
  const widths = fitting.map(columnWidth);
  return Array.from({ length: rows.length + 1 }, (_, line) =>
    fitting
      .map((column, index) => {
        const text = line === 0 ? column.head : (column.texts[line - 1] ?? "");
        const room = index === fitting.length - 1 ? 0 : (widths[index] ?? 0);
        const paint = line === 0 ? colors.bold : (column.paints?.[line - 1]?.(colors) ?? plain);
        return (text === "" ? "" : paint(text)) + padded(text, room).slice(text.length);
      })
      .join(gap)
      .trimEnd(),
  );
}

interface Row {
  readonly id: string;
  readonly own: readonly Result[];
  readonly cells: readonly (Result | null)[];
}

interface Way {
  readonly head: string;
  has(result: Result): boolean;
}

type Paint = (colors: Colors) => (text: string) => string;

interface Column {
  readonly head: string;
  readonly texts: readonly string[];
  readonly paints?: readonly Paint[];
}

const gap = "  ";
const titleMin = 16;
const plain = (text: string): string => text;

function waysOf(results: readonly Result[]): Way[] {
  const [first] = results;
  const keys = new Map<string, Way>();
  for (const { protocol, target } of results) {
    const via = target === first?.target ? "" : " via";
    keys.set(`${protocol} ${target}`, {
      head: `MQTT ${protocolText(protocol)}${via}`,
      has: (result) => result.protocol === protocol && result.target === target,
    });
  }
  return [...keys.values()];
}

/** `half-open, due 3.00 s`, and below it `MQTT 5: FAIL no will`. */
function listedRow(ways: readonly Way[], row: Row, columns: number, colors: Colors): string[] {
  const due = dueText(row);
  const head = due === "" || due === "none" ? row.id : `${row.id}, due ${due}`;
  const results = row.cells.flatMap((cell, index) => {
    if (cell === null) return [];
    const text = `${ways[index]?.head ?? ""}: ${cellText(cell)}`;
    const lines = folded(text, columns - gap.length, { indent: gap.length });
    return lines.map((line) => gap + paintOf(cell.verdict)(colors)(line));
  });
  return [...folded(head, columns).map((line) => colors.bold(line)), ...results];
}

/** From the fullest to the barest; titles are cut where that leaves something worth reading. */
function layoutsFor(
  ways: readonly Way[],
  rows: readonly Row[],
  columns: number,
): readonly (readonly Column[])[] {
  const id = { head: "scenario", texts: rows.map((row) => row.id) };
  const due = { head: "due", texts: rows.map(dueText) };
  const title = { head: "the drop", texts: rows.map(({ own }) => own[0]?.title ?? "") };
  const rule = { head: "rule", texts: rows.map(ruleText) };
  const full = ways.map((way, index) => cellColumn(way, rows, index, cellText));
  const bare = ways.map((way, index) => cellColumn(way, rows, index, verdictText));
  const left = columns - widthOf([id, due, ...full]) - gap.length;
  return [
    [id, due, ...full, title, rule],
    [id, due, ...full, title],
    ...(left >= titleMin ? [[id, due, ...full, cutTo(title, left)]] : []),
    [id, due, ...full],
    [id, ...full],
    [id, ...bare],
  ];
}

function widthOf(layout: readonly Column[]): number {
  const widths = layout.map(columnWidth);
  return widths.reduce((sum, own) => sum + own, gap.length * (layout.length - 1));
}

function columnWidth({ head, texts }: Column): number {
  return Math.max(width(head), ...texts.map(width));
}

function cutTo({ head, texts }: Column, columns: number): Column {
  return { head, texts: texts.map((text) => startOf(text, columns, "..")) };
}

function cellColumn(
  { head }: Way,
  rows: readonly Row[],
  index: number,
  write: (result: Result) => string,
): Column {
  const cells = rows.map(({ cells }) => cells[index] ?? null);
  return {
    head,
    texts: cells.map((cell) => (cell === null ? "-" : write(cell))),
    paints: cells.map((cell) => (cell === null ? () => plain : paintOf(cell.verdict))),
  };
}

function dueText({ own }: Row): string {
  const judged = own.find(isJudged);
  if (judged === undefined) return "";
  if (judged.dueMs === null) return judged.failure === "broken" ? "" : "none";
  return judged.dueMs < 50 ? "at once" : duration(judged.dueMs);
}

function ruleText({ own }: Row): string {
  return [...new Set(own.filter(isJudged).map(({ rule }) => rule))].join(", ");
}

function isJudged({ verdict }: Result): boolean {
  return verdict !== "skipped" && verdict !== "inconclusive";
}

/** The verdict, and how far from the due time it came, or what is wrong. */
export function cellText({
  verdict,
  failure,
  latenessMs,
}: Pick<Result, "verdict" | "failure" | "latenessMs">): string {
  const word = verdictWord(verdict);
  if (verdict === "fail" || verdict === "finding") return `${word} ${failureWord(failure)}`;
  if (latenessMs === null || (verdict !== "pass" && verdict !== "late")) return word;
  return `${word} ${signed(latenessMs)}`;
}

/** Who has waited for a while can't say never: the report's text says how long that was. */
function failureWord(failure: Result["failure"]): string {
  return failure === "never" ? "no will" : (failure ?? "");
}

function signed(milliseconds: number): string {
  return milliseconds < 0 ? duration(milliseconds) : `+${duration(milliseconds)}`;
}

function verdictText({ verdict }: Result): string {
  return verdictWord(verdict);
}

/** In capitals where it has to be seen without colours too. */
export function verdictWord(verdict: Verdict): string {
  return verdict === "fail" ? "FAIL" : verdict;
}

export function paintOf(verdict: Verdict): Paint {
  switch (verdict) {
    case "pass":
      return (colors) => colors.green;
    case "fail":
      return (colors) => (text) => colors.bold(colors.red(text));
    case "finding":
    case "late":
      return (colors) => colors.yellow;
    case "inconclusive":
      return (colors) => colors.magenta;
    case "skipped":
      return (colors) => colors.dim;
  }
}
