import type { Colors } from "picocolors/types.js";
import { folded, padded, shortened, width } from "../../log/columns.ts";
import { escapeUnprintable, name } from "../../log/foreign.ts";

/** The style of views. */
export interface ViewStyle {
  /** Width of the terminal; Infinity: no terminal, lines do not wrap. */
  readonly columns: number;
  /** From picocolors' `createColors`; without colours the text is the same. */
  readonly colors: Colors;
  /** The time zone of clock times. */
  readonly zone: "local" | "utc";
}

const gap = 2;
/** Columns that sentences in the last column need; with fewer the table becomes a list. */
const lastMin = 24;
/** The largest share of the terminal's width for the first column. */
const firstShare = 0.4;
const labelWidth = 13;
/** Columns of a cell other than the last, so that one client id does not widen all rows. */
const cellMax = 64;

/**
 * Lines of at most `columns` columns, all but the first indented, so that a peer's text never
 * starts a line; cuts words that are longer than a line. All text of an answer passes through here
 * or `table`, which escape unprintable characters.
 */
export function drawn(text: string, columns: number, indent = 0): string[] {
  return folded(escapeUnprintable(text), columns, { indent, longWords: "cut" });
}

/** `Listeners    mqtt://127.0.0.1:1883`; a long text wraps below itself. */
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
 * A table whose columns are as wide as their widest cells. The last column takes the remaining
 * width and wraps below itself. A first cell that is too wide gets a line of its own. Without room
 * for columns, each row becomes a list of its cells. Cells other than the last are shortened; JSON
 * has them whole.
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
  const layout = layoutOf(heads, rows, columns);
  if (layout === null) return rows.flatMap((row) => listed(heads, row, style));
  const { widths, between } = layout;
  const [first = 0] = widths;
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

/** How `table` shows these rows: each on one line, in columns some of which wrap, or as lists. */
export function formOf(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  { columns }: ViewStyle,
): "lines" | "columns" | "lists" {
  const layout = layoutOf(heads, rows, columns);
  if (layout === null) return "lists";
  const sum = layout.widest.reduce((all, own) => all + own + gap, -gap);
  return sum <= columns && layout.widths[0] === layout.widest[0] ? "lines" : "columns";
}

/** Null: there is no room for columns. */
function layoutOf(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number,
): {
  readonly widest: readonly number[];
  /** As `widest`, but for a first cell that gets a line of its own. */
  readonly widths: readonly number[];
  /** From the end of the first column to the begin of the last. */
  readonly between: number;
} | null {
  const last = heads.length - 1;
  const widest = heads.map((head, index) =>
    rows.reduce((most, row) => Math.max(most, width(row[index] ?? "")), width(head)),
  );
  const between = widest.slice(1, last).reduce((sum, own) => sum + own + gap, gap);
  const lastNeeds = Math.max(width(heads[last] ?? ""), Math.min(lastMin, widest[last] ?? 0));
  const room = Math.min(columns * firstShare, columns - between - lastNeeds);
  const head = width(heads[0] ?? "");
  if (head > room) return null;
  // As wide as the widest cell that fits; a wider cell gets a line of its own.
  const first = rows.reduce((most, [lead = ""]) => {
    const own = width(lead);
    return own > room ? most : Math.max(most, own);
  }, head);
  return { widest, widths: widest.with(0, first), between };
}

/** A peer's name in a cell, shortened before it is escaped. */
export function cellName(value: string): string {
  return name(shortened(value, cellMax));
}

/** The text of an empty cell. */
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
