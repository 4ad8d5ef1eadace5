import { usageError } from "../config/cli-error.ts";
import type { FileRead } from "../config/file.ts";
import { name } from "../log/foreign.ts";
import { compare } from "../drop/report/comparison.ts";
import { comparisonText, jsonComparison, type Named } from "../drop/report/comparison-text.ts";
import { recordingOf } from "../drop/report/records.ts";
import type { Arguments } from "./arguments.ts";
import { colorFrom, usesColor } from "./color.ts";
import type { Surroundings } from "./command.ts";
import { textColumns } from "./help.ts";

/** `simulate-drop --compare BEFORE AFTER`. Returns the exit code; throws CliError. */
export function compareRuns(given: Arguments, surroundings: Surroundings): number {
  const isAlone = given.names.every((flag) => goesWith.has(flag));
  if (!isAlone || given.positionals.length > 0) {
    throw usageError(
      "--compare reads two files and plays nothing",
      "only --json and --color go with it",
    );
  }
  const color = colorFrom(given);
  const [[before = "", after = ""] = []] = given.all("compare");
  const runs = [named(before, surroundings), named(after, surroundings)] as const;
  const comparison = compare(runs[0].recording, runs[1].recording);
  const { env, print, screen } = surroundings;
  const out = screen("stdout");
  const style = { columns: textColumns(out), color: usesColor(color, env, out !== null) };
  print(given.has("json") ? jsonComparison(comparison) : comparisonText(comparison, runs, style));
  return comparison.exitCode;
}

const goesWith: ReadonlySet<string> = new Set(["compare", "json", "color"]);

/** Throws CliError. */
function named(file: string, { readFile }: Surroundings): Named {
  const recording = recordingOf(textIn(file, readFile(file)));
  if (typeof recording !== "string") return { file, recording };
  throw usageError(
    `--compare: ${name(file)}: ${recording}`,
    "it takes the standard output of mqttd simulate-drop --json",
  );
}

function textIn(file: string, read: FileRead): string {
  switch (read.type) {
    case "read":
      return new TextDecoder().decode(read.bytes);
    case "missing":
      throw usageError(`--compare: there is no file ${name(file)}`);
    case "folder":
      throw usageError(`--compare: ${name(file)} is a folder`, "name a file");
    case "too large":
      throw usageError(`--compare: ${name(file)} is too large`, "one run has less than 1 MiB");
    case "unreadable":
      throw usageError(`--compare: ${name(file)} can't be read: ${read.why}`);
  }
}
