import type { Screen } from "../drop/report/progress.ts";
import { folded, padded, width } from "../log/columns.ts";
import type { Command } from "./command.ts";

/** One page of help: of the program, of a command, or of one verb of it. */
export interface HelpPage {
  /** What follows `mqttd`. */
  readonly usage: string;
  readonly about: string;
  readonly sections: readonly HelpSection[];
}

export interface HelpSection {
  readonly title: string;
  readonly rows?: readonly HelpRow[];
  /** Paragraphs below the rows. */
  readonly text?: readonly string[];
  /** Paste into a shell as they are; they use single quotes only. */
  readonly commands?: readonly string[];
}

export type HelpRow = readonly [term: string, text: string];

/** The widest that help is set, on any terminal. */
const columnsMax = 80;
/** A narrower terminal breaks the lines itself. */
const columnsMin = 40;

/** The width of texts for a terminal; null: none. */
export function textColumns(screen: Screen | null): number {
  return Math.max(columnsMin, screen?.columns ?? columnsMax);
}

/** The page of a command. Examples come from its declaration, flags too unless given. */
export function commandPage(
  command: Command,
  {
    about,
    flags = command.options.map(flagRow),
    sections,
  }: Pick<HelpPage, "about" | "sections"> & { readonly flags?: readonly HelpRow[] },
): HelpPage {
  return {
    usage: command.usageText ?? command.rawName,
    about,
    sections: [
      { title: "Flags", rows: flags },
      ...sections,
      { title: "Examples", commands: examplesOf(command) },
    ],
  };
}

/** The page as printed text. */
export function helpText({ usage, about, sections }: HelpPage, terminalColumns: number): string {
  const columns = Math.min(columnsMax, terminalColumns);
  const head = [folded(`Usage: mqttd ${usage}`, columns, { indent: 4 }), folded(about, columns)];
  return textOf([...head, ...sections.map((section) => sectionLines(section, columns))]);
}

/** Sections of a page alone. */
export function sectionsText(sections: readonly HelpSection[], terminalColumns: number): string {
  const columns = Math.min(columnsMax, terminalColumns);
  return textOf(sections.map((section) => sectionLines(section, columns)));
}

function textOf(paragraphs: readonly (readonly string[])[]): string {
  return `${paragraphs.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

export function examplesOf(command: Command): readonly string[] {
  return command.examples.map((example) =>
    typeof example === "string" ? example : example("mqttd"),
  );
}

const margin = "  ";
const gap = 2;
/** Columns that a text needs beside its term; with fewer it goes below. */
const textMin = 22;
const textIndent = "    ";

function sectionLines({ title, rows, text, commands }: HelpSection, columns: number): string[] {
  const room = columns - margin.length;
  const lines = [
    ...(rows === undefined ? [] : rowLines(rows, room)),
    ...(rows === undefined || text === undefined ? [] : [""]),
    ...(text ?? []).flatMap((paragraph) => folded(paragraph, room)),
    ...(commands ?? []).flatMap((command) => commandLines(command, room)),
  ];
  return [`${title}:`, ...lines.map((line) => (line === "" ? line : margin + line))];
}

/** Terms and texts in two columns; a text wraps within its own. */
function rowLines(rows: readonly HelpRow[], columns: number): string[] {
  const termWidth = Math.max(...rows.map(([term]) => width(term))) + gap;
  const longest = Math.max(...rows.flatMap(([, text]) => text.split(" ").map(width)));
  if (columns - termWidth < Math.max(textMin, longest)) {
    return rows.flatMap(([term, text]) => [
      ...folded(term.trimStart(), columns, { indent: textIndent.length }),
      ...(text === "" ? [] : folded(text, columns - textIndent.length)).map(
        (line) => textIndent + line,
      ),
    ]);
  }
  return rows.flatMap(([term, text]) =>
    folded(text, columns - termWidth).map((line, index) =>
      (padded(index === 0 ? term : "", termWidth) + line).trimEnd(),
    ),
  );
}

/** A long command continues on the next line with a backslash, as a shell reads it. */
export function commandLines(command: string, columns: number): string[] {
  if (width(command) <= columns) return [command];
  const more = " \\";
  const fold = { indent: textIndent.length, breaks: outsideQuotes };
  const lines = folded(command, columns - more.length, fold);
  return lines.map((line, index) => (index < lines.length - 1 ? line + more : line));
}

/** A space with an even number of quotes after it. */
const outsideQuotes = / (?=[^']*(?:'[^']*'[^']*)*$)/;

/** The row of a declared flag: `-p, --port <PORT>`. */
export function flagRow({
  rawName,
  description,
}: {
  readonly rawName: string;
  readonly description: string;
}): HelpRow {
  const term = rawName.startsWith("--") ? `    ${rawName}` : rawName;
  return [term.replace(/[<>]/g, ""), description];
}

/** Where to find the statements that the broker, `inspect` and `simulate-drop` quote. */
export const statements: HelpSection = {
  title: "Statements",
  text: [
    "[v4-3.1.2-24] is statement MQTT-3.1.2-24 of the OASIS standard MQTT Version 3.1.1, section " +
      "3.1.2; v5 means MQTT Version 5.0. Both are free to read at docs.oasis-open.org/mqtt. " +
      "mqttd rule v4-3.1.2-24 shows it in our own words.",
  ],
};

export type ExitCode = keyof typeof exitCodeTexts;

/** The exit codes of a command; `own` replaces the general text of some. */
export function exitCodes(
  codes: readonly ExitCode[],
  own: Partial<Record<ExitCode, string>> = {},
): HelpSection {
  const texts = { ...exitCodeTexts, ...own };
  return { title: "Exit codes", rows: codes.map((code) => [code, texts[code]]) };
}

export const exitCodeTexts = {
  "0": "done, or the expectation was met",
  "1": "the expectation was not met",
  "2": "error in usage or configuration",
  "3": "could not connect",
  "4": "refused by the broker",
  "5": "timed out",
  "70": "internal fault of mqttd",
  "130, 143": "ended by SIGINT, SIGTERM",
} as const;
