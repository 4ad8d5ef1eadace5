import type { CliCommand, Command, HelpSection } from "./command.ts";

const columns = 80;

/** What `mqttd COMMAND --help` prints. */
export function commandHelp({ command, help }: CliCommand): string {
  return page([
    `Usage: mqttd ${command.usageText ?? command.rawName}`,
    wrap(help.about, 0),
    block({ title: "Flags", lines: flagLines(command) }),
    ...help.sections.map(block),
    block({ title: "Examples", lines: examplesOf(command) }),
  ]);
}

/** Lines that can be pasted into a shell as they are. */
export function examplesOf(command: Command): readonly string[] {
  return command.examples.map((example) =>
    typeof example === "string" ? example : example("mqttd"),
  );
}

/** Paragraphs with an empty line between them. */
export function page(paragraphs: readonly string[]): string {
  return `${paragraphs.join("\n\n")}\n`;
}

export function block({ title, lines }: HelpSection): string {
  return [`${title}:`, ...lines.map((line) => (line === "" ? "" : `  ${line}`))].join("\n");
}

/** Two columns, the second wrapped under itself. `margin`: spaces that come before each line. */
export function table(rows: readonly (readonly [string, string])[], margin = 2): string[] {
  const width = Math.max(...rows.map(([term]) => term.length)) + 2;
  return rows.flatMap(([term, text]) => {
    const lines = wrap(text, width + margin).split("\n");
    return lines.map((line, index) => (index === 0 ? term : "").padEnd(width) + line);
  });
}

/** Breaks a text into lines that fit behind `used` columns. */
export function wrap(text: string, used: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && longer.length > columns - used) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line].join("\n");
}

function flagLines(command: Command): readonly string[] {
  return table(
    command.options.map(({ rawName, description }) => [
      (rawName.startsWith("--") ? `    ${rawName}` : rawName).replace(/[<>]/g, ""),
      description,
    ]),
  );
}

/** The exit codes that a command can end with; `own`: what some of them mean there in particular. */
export function exitCodes(
  codes: readonly (keyof typeof exitCodeTexts)[],
  own: Partial<Record<keyof typeof exitCodeTexts, string>> = {},
): HelpSection {
  const texts = { ...exitCodeTexts, ...own };
  return { title: "Exit codes", lines: table(codes.map((code) => [code, texts[code]])) };
}

export const exitCodeTexts = {
  "0": "done, or the expectation was met",
  "1": "the expectation was not met",
  "2": "usage or configuration",
  "3": "could not connect",
  "4": "refused by the broker",
  "5": "timed out",
  "70": "a fault of mqttd's own",
  "130, 143": "ended by SIGINT, SIGTERM",
} as const;
