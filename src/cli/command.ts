import type { Env } from "../config/environment.ts";
import { type CAC, cac, type Command } from "cac";
import type { FileRead, ReadFile } from "../config/file.ts";
import type { serve } from "../server/serve.ts";
import type { storedBroker } from "../server/admin/stored-broker.ts";
import type { Screen } from "../drop/report/progress.ts";
import type { Arguments, ReadingRules } from "./arguments.ts";
import type { runBench } from "./bench-run.ts";
import type { simulateDrop } from "./drop-run.ts";
import type { HelpPage } from "./help.ts";
import type { Completion } from "./offer.ts";
import type { Ask } from "./prompt.ts";
import type { publishMessages } from "./pub-run.ts";
import type { requestResponse } from "./rr-run.ts";
import type { subscribeTo } from "./sub-run.ts";
import type { Version } from "./version.ts";

export type { Command } from "cac";

/** The process as a command sees it; tests pass their own. */
export interface Surroundings {
  readonly env: Env;
  /** Whether stderr, to which `serve` logs, is a terminal. */
  readonly stderrIsTerminal: boolean;
  readonly readFile: ReadFile;
  /** Standard input, read on demand. */
  readonly stdin: () => AsyncIterable<Uint8Array>;
  /** Reads standard input to its end, up to the size that `readFile` allows. */
  readonly readInput: () => Promise<FileRead>;
  /** Asks for a secret on the terminal; null: standard input is no terminal. */
  readonly askSecret: Ask | null;
  /** The same for what may be read. */
  readonly askLine: Ask | null;
  readonly version: Version;
  /** Writes the requested output to stdout. */
  readonly print: (text: string | Uint8Array) => void;
  /** Resolves to true once all output is written, to false once its reader has closed stdout. */
  readonly flushed: () => Promise<boolean>;
  /** Writes text to stderr. */
  readonly printError: (text: string) => void;
  /** The terminal of a stream; null: none. */
  readonly screen: (stream: "stdout" | "stderr") => Screen | null;
  /** Loads the broker, so that no other command spends time on it. */
  readonly loadServer: () => Promise<{ readonly serve: typeof serve }>;
  readonly loadStoredBroker: () => Promise<{ readonly storedBroker: typeof storedBroker }>;
  /** Loads the runner of simulate-drop. */
  readonly loadDrop: () => Promise<{ readonly simulateDrop: typeof simulateDrop }>;
  /** Loads the runners of pub, sub and rr. */
  readonly loadTalk: () => Promise<TalkRunners>;
  /** Loads the runner of bench. */
  readonly loadBench: () => Promise<{ readonly runBench: typeof runBench }>;
}

/** What plays the requests of the clients. */
export interface TalkRunners {
  readonly publishMessages: typeof publishMessages;
  readonly subscribeTo: typeof subscribeTo;
  readonly requestResponse: typeof requestResponse;
}

/** One command: its declaration, for its help and the reader of arguments, and its action. */
export interface CliCommand {
  readonly command: Command;
  readonly rules: ReadingRules;
  readonly help: HelpPage;
  /** The page of a verb; throws CliError for an unknown one. Absent: the command has no verbs. */
  readonly helpOn?: (verb: string) => HelpPage;
  /** Those that `helpOn` knows, in the order of the help. */
  readonly verbs?: readonly { readonly name: string; readonly text: string }[];
  /** For the completions of shells. */
  readonly completion?: Completion;
  /** Resolves to the exit code; throws CliError. */
  run(given: Arguments, surroundings: Surroundings): Promise<number>;
}

/** The page of the command, or of the named verb. Throws CliError for an unknown verb. */
export function pageOf({ help: page, helpOn }: CliCommand, verb: string | undefined): HelpPage {
  return verb === undefined || helpOn === undefined ? page : helpOn(verb);
}

/**
 * Starts the declaration of a command. cac only stores declarations: its reader would turn `-P
 * 0123` into 123 and `-m ""` into 0, and its help knows one meaning of `-h` only.
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
  /** How many values it takes; 0 for a switch. */
  readonly values: number;
  readonly repeatable: boolean;
  /** Whether a duration behind it is its value: `--watch 5s`. */
  readonly mayTime: boolean;
}

/** Flags as declared: `-p, --port <PORT>`; with `{ type: [] }` a flag may be repeated; `--watch [TIME]` may have a value. */
export function flagsOf(command: Command): readonly Flag[] {
  return command.options.map(({ rawName, config }) => ({
    name: /--([a-z][a-z0-9-]*)/.exec(rawName)?.[1] ?? "",
    short: /^-(\w)\b/.exec(rawName)?.[1] ?? null,
    values: rawName.split("<").length - 1,
    repeatable: config.type !== undefined,
    mayTime: rawName.endsWith(" [TIME]"),
  }));
}
