import { encode } from "uqr";

/** Modules of white around the code; scanners need some, and a terminal has a margin of its own. */
const border = 2;

/** Blocks of two rows of modules in one line, by whether the upper and the lower one are light. */
const blocks = { both: "█", upper: "▀", lower: "▄", neither: " " } as const;

/**
 * A text as a QR code, in lines of block characters that need no colour: what is light is drawn. On a
 * terminal with a light background it is inverted, which scanners of today read too.
 */
export function qrLines(text: string): string[] {
  const { data, size } = encode(text, { ecc: "L", border });
  const isLight = (row: number, column: number): boolean => data[row]?.[column] === false;
  return Array.from({ length: Math.ceil(size / 2) }, (_, line) =>
    Array.from({ length: size }, (_, column) => {
      const [upper, lower] = [isLight(2 * line, column), isLight(2 * line + 1, column)];
      if (upper) return lower ? blocks.both : blocks.upper;
      return lower ? blocks.lower : blocks.neither;
    })
      .join("")
      .trimEnd(),
  );
}
