import { pieces, width } from "./width.ts";

/** Of a line, what any text has, however narrow the terminal is. */
const roomMin = 8;
/** A number and its unit stay together. */
const space = /(?<!\d) | (?!(?:ms|s|min|h|d|B|[KMGT]iB|K|bytes?|subscribers?|PINGREQs?|got)(?!\w))/;

export interface Fold {
  /** Columns by which all lines but the first are indented; their spaces are in the lines. */
  readonly indent?: number;
  /**
   * What becomes of a word that is longer than a line: cut into pieces, or kept whole on a line of its
   * own (the default), so that it can be copied.
   */
  readonly longWords?: "cut" | "keep";
}

/** Lines of at most so many columns of a terminal, broken at spaces. */
export function folded(
  text: string,
  columns: number,
  { indent = 0, longWords = "keep" }: Fold = {},
): string[] {
  if (width(text) <= columns) return [text];
  const rows: string[] = [];
  let row = "";
  const room = (): number => Math.max(roomMin, rows.length === 0 ? columns : columns - indent);
  for (const word of text.split(space)) {
    const longer = row === "" ? word : `${row} ${word}`;
    if (width(longer) <= room()) {
      row = longer;
      continue;
    }
    if (row !== "") rows.push(row);
    const parts = longWords === "keep" ? [word] : pieces(word, Math.max(roomMin, columns - indent));
    rows.push(...parts.slice(0, -1));
    row = parts.at(-1) ?? "";
  }
  return [...rows, row].map((line, index) => (index === 0 ? line : " ".repeat(indent) + line));
}

/** Of the columns of a text that is cut, what its end keeps; ids often differ there. */
const endShare = 0.3;

/** Of each end of a text, code units that are looked at: it may be of many millions. */
const lookedAt = 2048;

/** A text of at most so many columns: what is left out of a longer one is told by three dots. */
export function shortened(text: string, columns: number): string {
  if (text.length <= lookedAt && width(text) <= columns) return text;
  const room = Math.max(2, columns - 3);
  const end = Math.floor(room * endShare);
  const [start = ""] = pieces(text.slice(0, lookedAt), room - end);
  return `${start}...${lastColumns(text.slice(-lookedAt), end)}`;
}

/** The end of a text, of at most so many columns. */
function lastColumns(text: string, columns: number): string {
  const characters = Array.from(text);
  let from = characters.length;
  let used = 0;
  while (from > 0) {
    used += width(characters[from - 1] ?? "");
    if (used > columns) break;
    from--;
  }
  // A mark that combines would sit on the dots.
  while (from < characters.length && width(characters[from] ?? "") === 0) from++;
  return characters.slice(from).join("");
}
