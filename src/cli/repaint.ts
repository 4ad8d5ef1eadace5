import type { Screen } from "../drop/report/progress.ts";
import { shortened } from "../log/columns.ts";

/** Lines on a terminal that take the place of those before; only what has changed is written. */
export class Repaint {
  #lines: readonly string[] = [];
  #screen: Screen | null = null;

  /** The text to print. The cursor is below the lines before and after it. */
  paint(given: readonly string[], screen: Screen): string {
    const lines = fitting(given, screen);
    const before = this.#screen;
    const isResized =
      before !== null && (before.columns !== screen.columns || before.rows !== screen.rows);
    const old = isResized ? [] : this.#lines;
    this.#lines = lines;
    this.#screen = screen;
    // The terminal has broken the lines anew: nobody knows where they stand.
    if (isResized) return `${clearScreen}${lines.map((line) => `${line}\n`).join("")}`;
    const isSame = lines.length === old.length && lines.every((line, at) => line === old[at]);
    if (isSame) return "";
    const up = old.length === 0 ? "" : `\u001b[${old.length}A`;
    const body = lines.map((line, at) => (line === old[at] ? "\n" : `${clearLine}${line}\n`));
    return `${up}${body.join("")}${old.length > lines.length ? clearBelow : ""}`;
  }
}

const clearScreen = "\u001b[2J\u001b[H";
const clearLine = "\u001b[2K";
const clearBelow = "\u001b[J";

/** As many as the terminal has room for; the last one says how many more there are. */
function fitting(lines: readonly string[], { columns, rows }: Screen): readonly string[] {
  const room = Math.max(2, rows - 1);
  if (lines.length <= room) return lines;
  const more = lines.length - (room - 1);
  const rest = shortened(`(${more} more lines: the terminal is too low)`, columns);
  return [...lines.slice(0, room - 1), rest];
}
