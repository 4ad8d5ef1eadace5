/**
 * Texts about a will, normalized so that every run gives the same: clock times, ports and measured
 * times become placeholders. Requested, allowed and counted values stay.
 */

/** Terminal width; the program wrapped the original text to it as well. */
const columns = 80;

/** Log lines without their clock time. */
export function logText(lines: readonly string[]): string {
  return lines.map((line) => replaced(line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ""))).join("\n");
}

/** The output of `inspect explain`. Unwraps it first: measured times differ in length. */
export function accountText(printed: string): string {
  const sections = printed.trimEnd().split("\n\n");
  return sections.map((section) => sectionText(section.split("\n"))).join("\n\n");
}

function sectionText(lines: readonly string[]): string {
  const items: string[] = [];
  for (const line of lines) {
    const isTitle = items.length === 0 && lines[1]?.startsWith("  ") === true;
    const begins =
      items.length === 0 || isTitle || /^ {2}(- |\d\d:\d\d:\d\d\.\d{3} {2})/.test(line);
    // A title stands on a line of its own: the next line always starts a new item.
    if (begins) items.push(line.trimEnd());
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return items.map(itemText).join("\n");
}

function itemText(item: string): string {
  const [, mark = "", rest = ""] =
    /^( {2}(?:- |\d\d:\d\d:\d\d\.\d{3} {2}))?(.*)$/s.exec(item) ?? [];
  const shown = mark.includes(":") ? "  <time>  " : mark;
  return wrapped(shown, replaced(rest));
}

/** A duration that the log or `inspect` has measured: settings are whole seconds. */
const measured = String.raw`-?\d+(?:\.\d+ s| ms)`;
/** The words before or after an allowance, which is formatted like a measured time. */
const allowance = new RegExp(
  String.raw`(?<!allowed |allows |ends after )(?<![\d.])${measured}(?! (?:of silence|allowed))`,
  "g",
);

function replaced(text: string): string {
  return (
    text
      .replace(/(127\.\d+\.\d+\.\d+|\[::1\]):\d+/g, "$1:<port>")
      // What is left until a deadline, at the moment of the answer.
      .replace(/(?<=the will fires in )\d+ (?:min|h)(?: \d+ (?:s|min))?/g, "<left>")
      .replace(/\bfor another \d+(?:\.\d+)? \w+(?: \d+ (?:min|s)\b)?/g, "for another <left>")
      // Printed from 1 ms on. Other tests bound how late a will may be.
      .replace(new RegExp(String.raw` \(${measured} late\)`, "g"), "")
      .replace(new RegExp(String.raw`, (?:on time|${measured} late)(?=[.)])`, "g"), ", <lateness>")
      .replace(new RegExp(String.raw`, ${measured} late(?=, )`, "g"), ", <lateness>")
      .replace(allowance, "<measured>")
  );
}

function wrapped(mark: string, text: string): string {
  const lines: string[] = [];
  let line = mark;
  for (const word of text.split(" ")) {
    const longer = line.trim() === mark.trim() ? line + word : `${line} ${word}`;
    if (longer.length > columns && line !== mark) {
      lines.push(line);
      line = " ".repeat(mark.length) + word;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}
