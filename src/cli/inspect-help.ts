import type { Command } from "./command.ts";
import {
  commandPage,
  type ExitCode,
  exitCodes,
  flagRow,
  type HelpPage,
  type HelpRow,
  type HelpSection,
  statements,
} from "./help.ts";
import {
  everywhere,
  flagForms,
  formOf,
  knownVerb,
  reach,
  type Verb,
  verbs,
} from "./inspect-verbs.ts";

/** The page of `mqttd inspect --help`: the verbs, and their common flags. */
export function inspectPage(command: Command): HelpPage {
  return commandPage(command, {
    about:
      "Queries the broker on this machine, or the one that --admin names. Without a VERB: one " +
      "screen about it.",
    flags: ["watch", ...reach, ...everywhere].map((flag) => rowOf(flag, flagTexts[flag] ?? "")),
    sections: [
      {
        title: "Verbs",
        rows: named.map((verb): HelpRow => [formOf(verb), verbs[verb].text]),
        text: ["mqttd inspect VERB --help shows the flags of a verb, and examples."],
      },
      whichBroker,
      exitCodes(["0", "1", "2", "3", "4", "5", "70", "130, 143"], {
        ...ofBroker,
        "1": "another fate; no connection to kick or drop; lint: a habit is proved",
        "2": "usage, no such client, or several brokers on this machine",
      }),
      statements,
    ],
  });
}

/** The page of `mqttd inspect VERB --help`. Throws CliError with the nearest verb. */
export function verbPage(typed: string): HelpPage {
  const verb = knownVerb(typed);
  const { about, flags, asksBroker, exits, examples }: VerbHelp = verbs[verb];
  const common = [...(asksBroker ? reach : []), ...everywhere];
  const codes: ExitCode[] = asksBroker
    ? ["0", ...("1" in exits ? (["1"] as const) : []), "2", "3", "4", "5", "70", "130, 143"]
    : ["0", "2", "70", "130, 143"];
  return {
    usage: `inspect ${formOf(verb)} [FLAGS]`,
    about,
    sections: [
      {
        title: "Flags",
        rows: [
          ...Object.entries(flags).map(([flag, text]) => rowOf(flag, text)),
          ...common
            .filter((flag) => !Object.hasOwn(flags, flag))
            .map((flag) => rowOf(flag, flagTexts[flag] ?? "")),
        ],
      },
      ...(asksBroker ? [whichBroker] : []),
      exitCodes(codes, { "0": "done", "2": "usage", ...(asksBroker && ofBroker), ...exits }),
      ...(quotingVerbs.has(verb) ? [statements] : []),
      { title: "Examples", commands: examples },
    ],
  };
}

type VerbHelp = Pick<(typeof verbs)[Verb], "about" | "flags" | "asksBroker" | "exits" | "examples">;

const named = (Object.keys(verbs) as Verb[]) // The keys of the table.
  .filter((verb) => verb !== "");

/** Verbs whose answers quote statements of the standards. */
const quotingVerbs: ReadonlySet<Verb> = new Set(["client", "wills", "explain", "lint", "packet"]);

const whichBroker: HelpSection = {
  title: "Which broker",
  text: [
    "--admin, else MQTTD_ADMIN, else the one with a run file in MQTTD_RUN_DIR (default: a folder " +
      "of this user). Its token: --token-file, else MQTTD_TOKEN_FILE, else the file that the run " +
      "file names.",
  ],
};

const ofBroker = {
  "2": "usage, or several brokers on this machine",
  "3": "no broker, or it stopped before the end",
  "4": "refused, or the answer of another program",
} as const;

/** Flags of all verbs, or of all verbs that query a broker. */
const flagTexts: Readonly<Record<string, string>> = {
  admin: "port or URL of the broker's administration",
  "token-file": "file with its token, if it requires one",
  cafile:
    "PEM file with the CA of its certificate, if it speaks HTTPS (default: the run file knows it)",
  timeout: "how long an answer may take (default 5s)",
  watch: verbs[""].flags.watch,
  json: "print JSON, on one line",
  color: "auto, always or never (default auto)",
  help: "show this help",
};

function rowOf(flag: string, description: string): HelpRow {
  return flagRow({ rawName: flagForms[flag] ?? "", description });
}
