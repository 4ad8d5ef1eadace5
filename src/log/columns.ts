/**
 * Terminal columns of a printable text (`foreign.ts` escapes the rest): two for a wide character,
 * none for a combining mark. A terminal that draws ambiguous characters wide shifts the line by a
 * column.
 */
export function width(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** Cuts a text into pieces of at most `columns` columns, each of at least one character. */
export function pieces(text: string, columns: number): string[] {
  const found: string[] = [];
  let piece = "";
  let used = 0;
  for (const character of text) {
    const own = widthOf(character);
    if (piece !== "" && used + own > columns) {
      found.push(piece);
      piece = "";
      used = 0;
    }
    piece += character;
    used += own;
  }
  return [...found, piece];
}

/** The text, filled with spaces to `columns` columns. */
export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** The widest that prose is set, on any terminal. */
export const proseMax = 100;

/** Columns that every text gets, on any terminal. */
const roomMin = 8;
/** A number and its unit stay together. */
const space = /(?<!\d) | (?!(?:ms|s|min|h|d|B|[KMGT]iB|K|bytes?|subscribers?|PINGREQs?|got)(?!\w))/;

export interface Fold {
  /** Columns of indent for all lines but the first; the lines contain the spaces. */
  readonly indent?: number;
  /**
   * A word longer than a line is cut into pieces, or (default) kept whole, so that it can be
   * copied.
   */
  readonly longWords?: "cut" | "keep";
  /** The spaces at which a line may break. Default: all but the one before a unit. */
  readonly breaks?: RegExp;
}

/** The text in lines of at most `columns` columns, broken at spaces. */
export function folded(
  text: string,
  columns: number,
  { indent = 0, longWords = "keep", breaks = space }: Fold = {},
): string[] {
  if (width(text) <= columns) return [text];
  const rows: string[] = [];
  let row = "";
  const room = (): number => Math.max(roomMin, rows.length === 0 ? columns : columns - indent);
  for (const word of text.split(breaks)) {
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

/**
 * As `folded`, of a text that is in several parts: each part with line ends and indents instead of
 * the spaces at which its line breaks.
 */
export function foldedParts(
  parts: readonly string[],
  columns: number,
  indent: number,
): readonly string[] {
  const lines = folded(parts.join(""), columns, { indent });
  if (lines.length === 1) return parts;
  const ends = new Set<number>();
  let end = -1;
  for (const [index, line] of lines.entries()) {
    end += 1 + line.length - (index === 0 ? 0 : indent);
    ends.add(end);
  }
  // Two spaces together may have lost one.
  if (end !== parts.join("").length) return parts;
  let at = 0;
  return parts.map((part) => {
    const from = at;
    at += part.length;
    return Array.from({ length: part.length }, (_, index) =>
      ends.has(from + index) ? `\n${" ".repeat(indent)}` : part.charAt(index),
    ).join("");
  });
}

/** The share of its columns that a shortened text gives to its end, where ids often differ. */
const endShare = 0.3;

/** Code units read at each end of a text, which may have many millions. */
const lookedAt = 2048;

/** The text in at most `columns` columns; three dots replace the middle of a longer one. */
export function shortened(text: string, columns: number): string {
  if (text.length <= lookedAt && width(text) <= columns) return text;
  const room = Math.max(2, columns - 3);
  const end = Math.floor(room * endShare);
  const [start = ""] = pieces(text.slice(0, lookedAt), room - end);
  return `${start}...${lastColumns(text.slice(-lookedAt), end)}`;
}

/** The start of the text, and dots if it is cut, in at most `columns` columns. */
export function startOf(text: string, columns: number, dots = "..."): string {
  if (width(text) <= columns) return text;
  const [start = ""] = pieces(text, Math.max(1, columns - dots.length));
  return start.trimEnd() + dots;
}

/** The end of the text, in at most `columns` columns. */
function lastColumns(text: string, columns: number): string {
  const characters = Array.from(text);
  let from = characters.length;
  let used = 0;
  while (from > 0) {
    used += width(characters[from - 1] ?? "");
    if (used > columns) break;
    from--;
  }
  // A combining mark would sit on the dots.
  while (from < characters.length && width(characters[from] ?? "") === 0) from++;
  return characters.slice(from).join("");
}

/** Marks, and the vowels and finals of Hangul, which are drawn into the syllable before them. */
const none = /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]/u;

/** East Asian wide characters (UAX 11: W and F), and those with emoji presentation by default. */
const wide =
  /[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation}/u;

function widthOf(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (none.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
