import type { Colors } from "picocolors/types.js";
import { folded, padded, shortened, width } from "../../log/columns.ts";
import { escapeUnprintable, name } from "../../log/foreign.ts";

/** How views are drawn. */
export interface ViewStyle {
  /** Of the terminal; Infinity: none reads, and a line is as long as it is. */
  readonly columns: number;
  /** Of picocolors' `createColors`; without colours nothing but the colours is missing. */
  readonly colors: Colors;
  /** Whose hours are shown. */
  readonly zone: "local" | "utc";
}

const gap = 2;
/** What the last column of a table has to have, for the table to be one. */
const lastMin = 16;
/** Of a terminal's columns, what the first one of a table takes at most. */
const firstShare = 0.4;
const labelWidth = 13;
/** Columns of a cell, but for the last of a row: one client id must not make all rows wide. */
const cellMax = 64;

/**
 * Lines of at most so many columns, all but the first indented, so that no text of a peer ever begins a
 * line; a word that is longer than a line is cut. Whatever of an answer is drawn comes through here or
 * `table`: nothing in it that does not print is left, whoever made it.
 */
export function drawn(text: string, columns: number, indent = 0): string[] {
  return folded(escapeUnprintable(text), columns, { indent, longWords: "cut" });
}

/** `Listeners    mqtt://127.0.0.1:1883`; a text that is too long goes on below itself. */
export function labelled(
  facts: readonly (readonly [label: string, text: string])[],
  { columns, colors }: ViewStyle,
): string[] {
  return facts.flatMap(([label, text]) =>
    drawn(text, columns - labelWidth).map(
      (line, index) => colors.bold(padded(index === 0 ? label : "", labelWidth)) + line,
    ),
  );
}

/**
 * Rows below their heads, in columns as wide as their widest cell. The last column takes what is left
 * and goes on below itself. A first cell that is too wide for its column gets a line of its own. Where
 * there is no room for columns, each row is a list of its cells. A cell before the last one is
 * shortened; JSON has it whole.
 */
export function table(
  heads: readonly string[],
  given: readonly (readonly string[])[],
  style: ViewStyle,
): string[] {
  const { columns, colors } = style;
  const last = heads.length - 1;
  const rows = given.map((row) =>
    row.map((cell, index) => {
      const text = escapeUnprintable(cell);
      return index === last ? text : shortened(text, cellMax);
    }),
  );
  const widest = heads.map((head, index) =>
    rows.reduce((most, row) => Math.max(most, width(row[index] ?? "")), width(head)),
  );
  const between = widest.slice(1, last).reduce((sum, own) => sum + own + gap, gap);
  const lastNeeds = Math.max(width(heads[last] ?? ""), Math.min(lastMin, widest[last] ?? 0));
  const room = Math.min(columns * firstShare, columns - between - lastNeeds);
  const head = width(heads[0] ?? "");
  if (head > room) return rows.flatMap((row) => listed(heads, row, style));
  // As wide as the widest that fits; a wider one gets a line of its own.
  const first = rows.reduce((most, [lead = ""]) => {
    const own = width(lead);
    return own > room ? most : Math.max(most, own);
  }, head);
  const widths = widest.with(0, first);
  const before = first + between;
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => (index === last ? cell : padded(cell, (widths[index] ?? 0) + gap)))
      .join("")
      .trimEnd();
  return [
    colors.bold(line(heads)),
    ...rows.flatMap((row) => {
      const [lead = ""] = row;
      const isWide = width(lead) > first;
      const cells = [isWide ? "" : lead, ...row.slice(1, last)];
      const [start = "", ...more] = drawn(row[last] ?? "", columns - before);
      return [
        ...(isWide ? drawn(lead, columns, gap) : []),
        line([...cells, start]),
        ...more.map((rest) => " ".repeat(before) + rest),
      ];
    }),
  ];
}

/** A name of a peer's in a cell, shortened before anything in it is escaped. */
export function cellName(value: string): string {
  return name(shortened(value, cellMax));
}

/** What a cell says where there is nothing to say. */
export const nothing = "-";

function listed(
  heads: readonly string[],
  [lead = "", ...cells]: readonly string[],
  { columns }: ViewStyle,
): string[] {
  return [
    ...drawn(lead, columns, gap),
    ...cells.flatMap((cell, index) => {
      if (cell === nothing || cell === "") return [];
      const head = (heads[index + 1] ?? "").toLowerCase();
      return drawn(`${head}: ${cell}`, columns - gap, gap).map((line) => " ".repeat(gap) + line);
    }),
  ];
}
