import type { Env } from "../config/environment.ts";
import { type CAC, cac, type Command } from "cac";
import type { FileRead, ReadFile } from "../config/file.ts";
import type { serve } from "../server/serve.ts";
import type { Screen } from "../drop/report/progress.ts";
import type { Arguments, ReadingRules } from "./arguments.ts";
import type { simulateDrop } from "./drop-run.ts";
import type { HelpPage } from "./help.ts";
import type { Version } from "./version.ts";

export type { Command } from "cac";

/** What a command sees of the process; tests hand in their own. */
export interface Surroundings {
  readonly env: Env;
  /** Whether a terminal reads stderr, where `serve` writes its lines. */
  readonly stderrIsTerminal: boolean;
  readonly readFile: ReadFile;
  /** Reads standard input to its end, within the bounds of `readFile`. */
  readonly readInput: () => Promise<FileRead>;
  readonly version: Version;
  /** Writes to stdout what the command was asked to print. */
  readonly print: (text: string) => void;
  /** Resolves to true once all printed output is written, to false once its reader has closed it. */
  readonly flushed: () => Promise<boolean>;
  /** Writes text to stderr. */
  readonly printError: (text: string) => void;
  /** The terminal that reads a stream; null: none does. */
  readonly screen: (stream: "stdout" | "stderr") => Screen | null;
  /** Loads the broker: nothing else needs it, so nothing else waits for it. */
  readonly loadServer: () => Promise<{ readonly serve: typeof serve }>;
  /** Loads the player of drops. */
  readonly loadDrop: () => Promise<{ readonly simulateDrop: typeof simulateDrop }>;
}

/** One command: what it declares, for its help and for the reader of arguments, and what it does. */
export interface CliCommand {
  readonly command: Command;
  readonly rules: ReadingRules;
  readonly help: HelpPage;
  /** The page of one of its verbs; throws CliError where there is none of that name. Absent: it has no verbs. */
  readonly helpOn?: (verb: string) => HelpPage;
  /** Resolves to the exit code; throws CliError. */
  run(given: Arguments, surroundings: Surroundings): Promise<number>;
}

/**
 * Begins a command. cac keeps what is declared; it neither reads arguments (it would turn `-P 0123`
 * into 123 and `-m ""` into 0) nor prints help (it knows one meaning of `-h` only).
 */
export function declare(name: string, summary: string): Command {
  const cli: CAC = cac("mqttd");
  return cli.command(name, summary);
}

/** One declared flag. */
export interface Flag {
  /** Without dashes: `ready-file`. */
  readonly name: string;
  /** One letter, or null. */
  readonly short: string | null;
  /** How many values follow it; 0 for a switch. */
  readonly values: number;
  readonly repeatable: boolean;
}

/** Flags as declared: `-p, --port <PORT>`; with `{ type: [] }` a flag may be repeated. */
export function flagsOf(command: Command): readonly Flag[] {
  return command.options.map(({ rawName, config }) => ({
    name: /--([a-z][a-z0-9-]*)/.exec(rawName)?.[1] ?? "",
    short: /^-(\w)\b/.exec(rawName)?.[1] ?? null,
    values: rawName.split("<").length - 1,
    repeatable: config.type !== undefined,
  }));
}
