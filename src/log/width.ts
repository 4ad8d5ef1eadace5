/**
 * Columns of a terminal that a text takes which nothing unprintable stands in (`foreign.ts` sees to
 * that): two for a wide character, none for a mark that combines with the one before it. A terminal
 * that draws an ambiguous character wide shifts a line by a column, and nothing worse.
 */
export function width(text: string): number {
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

/** Cuts a text into pieces of at most so many columns; one has at least one character. */
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

/** Spaces behind it until it takes so many columns. */
export function padded(text: string, columns: number): string {
  return text + " ".repeat(Math.max(0, columns - width(text)));
}

/** Beside marks: the vowels and finals of Hangul, which are drawn into the syllable before them. */
const none = /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]/u;

/** Blocks of East Asian characters (UAX 11: W and F), and what is an emoji without being told so. */
const wide =
  /[\u1100-\u115f\u2329\u232a\u2630-\u2637\u268a-\u268f\u2e80-\u303e\u3041-\u3247\u3250-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1d300}-\u{1d376}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|(?!\p{Regional_Indicator})\p{Emoji_Presentation}/u;

function widthOf(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (none.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}
