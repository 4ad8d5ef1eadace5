import type { Screen } from "../drop/report/progress.ts";
import { folded, width } from "../log/columns.ts";

/** Lines of a command's output in the terminal's width; null: there is none, and they stay as they are. */
export function linesFor(screen: Screen | null, text: string, indent = 2): string {
  if (screen === null) return text;
  return text
    .split("\n")
    .flatMap((line) => folded(line, screen.columns, { indent }))
    .join("\n");
}

const said = "mqttd: ";
/** Before them, what takes live lines away. */
const erasing = "\r\u001b[";
/** So that further lines of a remark stand below its first word. */
const indent = said.length;

/**
 * Errors and remarks for stderr in lines of the terminal's width; null: there is no terminal, and a
 * line stays one line. A hint in brackets begins on a line of its own, so that most commands in it
 * can be copied. Text that is none of mqttd's own words stays as it is.
 */
export function remarksFor(columns: number | null, text: string): string {
  if (columns === null) return text;
  return text
    .split("\n")
    .flatMap((line) => {
      const start = line.startsWith(erasing) ? line.indexOf(said) : 0;
      const own = line.slice(start);
      if (!own.startsWith(said) || width(own) <= columns) return [line];
      const [first = "", ...more] = foldedRemark(own, columns);
      return [line.slice(0, start) + first, ...more];
    })
    .join("\n");
}

function foldedRemark(text: string, columns: number): string[] {
  const hint = hintStart(text);
  if (hint === null) return folded(text, columns, { indent });
  const pad = " ".repeat(indent);
  return [
    ...folded(text.slice(0, hint).trimEnd(), columns, { indent }),
    // Its own brackets hang, so that its words are in one column.
    ...folded(text.slice(hint), columns - indent, { indent: 1 }).map((line) => pad + line),
  ];
}

/** Where the brackets open that close at the end of the line; null: none do. */
function hintStart(text: string): number | null {
  if (!text.endsWith(")")) return null;
  let depth = 0;
  for (let at = text.length - 1; at > 0; at--) {
    if (text[at] === ")") depth++;
    else if (text[at] === "(" && --depth === 0) return text[at - 1] === " " ? at : null;
  }
  return null;
}
