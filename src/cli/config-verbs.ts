import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";
import { type ExitCode, exitCodes, flagRow, type HelpPage, type HelpSection } from "./help.ts";

export type ConfigVerb = "init" | "check" | "print" | "schema" | "import";

interface VerbRow {
  /** Its argument in usage lines; a missing one in brackets has a default. */
  readonly words: string;
  readonly text: string;
  readonly about: string;
  /** Its flags by long name, with what they do here. */
  readonly flags: Readonly<Record<string, string>>;
  readonly sections: readonly HelpSection[];
  readonly exits: Partial<Record<ExitCode, string>>;
  readonly examples: readonly string[];
}

/** Flags as declared; what one does depends on the verb. */
export const flagForms: Readonly<Record<string, string>> = {
  config: "-c, --config <FILE>",
  set: "--set <PATH=VALUE>",
  origin: "--origin",
  out: "--out <FILE>",
  force: "--force",
  rest: "--rest",
  json: "--json",
  help: "-h, --help",
};

/** Flags that may be repeated. */
export const repeatable: readonly string[] = ["set"];

const sourceFlags = {
  config: "the same as FILE",
  set: "set a key as serve --set does; may be repeated",
};

const sources: HelpSection = {
  title: "Configuration",
  text: [
    "--set wins over the environment, the environment over the file, the file over defaults, as " +
      "mqttd serve has it. Without FILE: MQTTD_CONFIG, else mqttd.json or mqttd.jsonc in this " +
      "folder, else mqttd/config.json in XDG_CONFIG_HOME (default ~/.config).",
  ],
};

export const verbs: Readonly<Record<ConfigVerb, VerbRow>> = {
  init: {
    words: "[FILE]",
    text: "write a file with the keys that matter, in comments",
    about:
      "Writes a configuration with the keys that matter, each with its meaning and default, in a " +
      "comment (default: mqttd.jsonc), and beside it mqttd.schema.json, by which editors complete " +
      "and check keys. - as FILE prints it.",
    flags: { force: "overwrite files that are there" },
    sections: [],
    exits: { "0": "written", "2": "usage, or nothing was written" },
    examples: ["mqttd config init", "mqttd config init lab.jsonc --force"],
  },
  check: {
    words: "[FILE]",
    text: "every error at once, with line, key and what is allowed",
    about:
      "Checks a configuration and every file that it names, as mqttd serve --test-config does: " +
      "prints ok and warnings, or every error with file, line, key, what was found and what is " +
      "allowed.",
    flags: { ...sourceFlags, json: "print JSON, on one line" },
    sections: [sources],
    exits: { "0": "valid", "2": "usage, or errors in the configuration" },
    examples: ["mqttd config check", "mqttd config check --set limits.packetSize=64KiB --json"],
  },
  print: {
    words: "[FILE]",
    text: "each value in force, and which source won",
    about:
      "Prints each value that mqttd serve would use here, with its unit. mqttd inspect config asks " +
      "a running broker. No value is a secret: secrets are in files of their own.",
    flags: {
      ...sourceFlags,
      origin: "with the flag, the variable, or the line that won, or default",
      json: "print JSON, on one line, with origins",
    },
    sections: [sources],
    exits: { "0": "printed", "2": "usage, or errors in the configuration" },
    examples: ["mqttd config print", "mqttd config print --origin --set log.level=debug"],
  },
  schema: {
    words: "",
    text: "the JSON Schema of the file, for editors",
    about:
      "Prints the JSON Schema (draft 2020-12) of a configuration. Editors complete and check keys " +
      'by it: "$schema": "./mqttd.schema.json" in the configuration names its file.',
    flags: {},
    sections: [],
    exits: { "0": "printed", "2": "usage" },
    examples: ["mqttd config schema", "mqttd config schema > mqttd.schema.json"],
  },
  import: {
    words: "CONF",
    text: "translate a mosquitto.conf, and account for each line",
    about:
      "Translates mosquitto's configuration (2.x): prints mqttd's on stdout, or writes it with " +
      "--out, and accounts for every line on stderr: which key it became, or why it has none. " +
      "Password files and access lists are taken by path, and checked.",
    flags: {
      out: "write the configuration to this file",
      force: "overwrite it if it is there",
      rest: "take the rest if a line that closes something can't be taken: on loopback, for accounts only",
      json: "print the configuration and the account of each line as JSON, on one line",
    },
    sections: [
      {
        title: "Never more open",
        text: [
          "Nothing is written if a line of the file keeps somebody out and can't be taken, such as " +
            "a plugin that checks passwords, or if mosquitto would not start with the file.",
        ],
      },
    ],
    exits: {
      "0": "translated; each line that was not taken is named",
      "2": "usage, mistakes in the file, or a line that keeps somebody out and can't be taken",
    },
    examples: [
      "mqttd config import /etc/mosquitto/mosquitto.conf",
      "mqttd config import mosquitto.conf --out mqttd.jsonc",
    ],
  },
};

export const verbNames = Object.keys(verbs) as readonly ConfigVerb[]; // The keys of the table.

/** `config check [FILE]`. */
export function usageOf(verb: ConfigVerb): string {
  return `config ${verb} ${verbs[verb].words}`.trimEnd();
}

/** The page of `mqttd config VERB --help`. Throws CliError with the nearest verb. */
export function verbPage(typed: string): HelpPage {
  const verb = knownVerb(typed);
  const { about, flags, sections, exits, examples } = verbs[verb];
  const rows = { ...flags, help: "show this help" };
  return {
    usage: `${usageOf(verb)} [FLAGS]`,
    about,
    sections: [
      {
        title: "Flags",
        rows: Object.entries(rows).map(([flag, description]) =>
          flagRow({ rawName: flagForms[flag] ?? "", description }),
        ),
      },
      ...sections,
      exitCodes(["0", "2", "70", "130, 143"], exits),
      { title: "Examples", commands: examples },
    ],
  };
}

/** The verb that was typed, and its argument. Throws CliError. */
export function verbOf(given: Arguments): { verb: ConfigVerb; word: string | null } {
  const [typed, word, surplus] = given.positionals;
  if (typed === undefined) throw usageError("config: the verb is missing", "mqttd config --help");
  const verb = knownVerb(typed);
  const { words, flags } = verbs[verb];
  const foreign = Object.keys(flagForms).find(
    (flag) => flag !== "help" && given.has(flag) && !Object.hasOwn(flags, flag),
  );
  if (foreign !== undefined) {
    const owners = verbNames.filter((other) => Object.hasOwn(verbs[other].flags, foreign));
    throw usageError(
      `config ${verb} has no flag --${bare(foreign)}`,
      `it belongs to ${owners.join(", ")}`,
    );
  }
  const usage = `mqttd ${usageOf(verb)}`;
  const further = words === "" ? word : surplus;
  if (further !== undefined) {
    throw usageError(`config ${verb}: unexpected argument ${quoted(further)}`, usage);
  }
  if (word === "") throw usageError(`config ${verb}: found "", allowed: the name of a file`);
  if (word === undefined && words !== "" && !words.startsWith("[")) {
    throw usageError(`config ${verb}: ${words} is missing`, usage);
  }
  return { verb, word: word ?? null };
}

function knownVerb(typed: string): ConfigVerb {
  const verb = verbNames.find((name) => name === typed);
  if (verb !== undefined) return verb;
  const meant = nearest(typed, [...verbNames, "help"]);
  const hint = meant === null ? "see mqttd config --help" : `did you mean ${meant}?`;
  throw usageError(`config: unknown verb ${quoted(typed)}`, hint);
}
