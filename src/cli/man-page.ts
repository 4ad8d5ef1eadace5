import type { HelpPage, HelpSection } from "./help.ts";

/** One manual page, made of a page of help. */
export interface ManPage {
  /** `mqttd-inspect-wills`. */
  readonly name: string;
  /** 1: a command; 7: of other kinds. */
  readonly section: 1 | 7;
  /** What it is for, in a few words. */
  readonly summary: string;
  readonly page: HelpPage;
  /** Names of other pages, each with its section: `mqttd(1)`. */
  readonly seeAlso: readonly string[];
}

/** The page in roff, for man. `date`: of this version, `2026-11-30`. */
export function manText(
  { name, section, summary, page, seeAlso }: ManPage,
  version: string,
  date: string,
): string {
  const lines = [
    `.TH ${escaped(name.toUpperCase())} ${section} "${date}" "mqttd ${escaped(version)}" "mqttd"`,
    // Texts are ragged, so that flags and paths are not torn apart.
    ...[".nh", ".ad l"],
    ".SH NAME",
    `${escaped(name)} \\- ${escaped(summary)}`,
    ".SH SYNOPSIS",
    `.B ${escaped(`mqttd ${page.usage}`)}`,
    ".SH DESCRIPTION",
    textLine(page.about),
    ...page.sections.flatMap(sectionLines),
    ".SH SEE ALSO",
    ...seeAlso.map((other, index) => {
      const [, title = "", number = ""] = /^(.*)(\(\d\))$/.exec(other) ?? [];
      return `.BR ${escaped(title)} ${number}${index < seeAlso.length - 1 ? "," : ""}`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function sectionLines({ title, rows, text, commands }: HelpSection): string[] {
  return [
    `.SH ${escaped(titleOf(title))}`,
    ...(rows ?? []).flatMap(([term, about]) => [
      ".TP",
      `.B ${escaped(term.trim())}`,
      about === "" ? "\\&" : textLine(about),
    ]),
    ...(text ?? []).flatMap((paragraph, index) =>
      index === 0 && rows === undefined ? [textLine(paragraph)] : [".PP", textLine(paragraph)],
    ),
    ...(commands === undefined
      ? []
      : [".RS 4", ".nf", ...commands.map((command) => textLine(command)), ".fi", ".RE"]),
  ];
}

/** As manual pages name them. */
function titleOf(title: string): string {
  const upper = title.toUpperCase();
  return upper === "EXIT CODES" ? "EXIT STATUS" : upper === "FLAGS" ? "OPTIONS" : upper;
}

/** A line of text: at its beginning a full stop or an apostrophe would be a request. */
function textLine(text: string): string {
  const line = escaped(text);
  return /^[.']/.test(line) ? `\\&${line}` : line;
}

const special: Readonly<Record<string, string>> = {
  "\\": "\\(rs",
  "-": "\\-",
  "'": "\\(aq",
  '"': "\\(dq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
};

/** ASCII, in which every character is printed as it is typed into a shell. */
function escaped(text: string): string {
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return " ";
    if (code > 0x7f) return `\\[u${code.toString(16).toUpperCase().padStart(4, "0")}]`;
    return special[character] ?? character;
  }).join("");
}
