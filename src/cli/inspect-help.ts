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

/** What `mqttd inspect --help` prints: the verbs, and what they have in common. */
export function inspectPage(command: Command): HelpPage {
  return commandPage(command, {
    about:
      "Asks the broker that runs on this machine, or the one that --admin names. Without a VERB: " +
      "one screen about it.",
    flags: [...reach, ...everywhere].map((flag) => rowOf(flag, flagTexts[flag] ?? "")),
    sections: [
      {
        title: "Verbs",
        rows: named.map((verb): HelpRow => [formOf(verb), verbs[verb].text]),
        text: ["mqttd inspect VERB --help shows the flags of a verb, and examples."],
      },
      whichBroker,
      exitCodes(["0", "1", "2", "3", "4", "5", "70", "130, 143"], {
        ...ofBroker,
        "1": "the will's fate was another one; nothing to kick or drop",
        "2": "usage, no such client, or several brokers run here",
      }),
      statements,
    ],
  });
}

/** What `mqttd inspect VERB --help` prints. Throws CliError with the nearest verb. */
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
const quotingVerbs: ReadonlySet<Verb> = new Set(["client", "wills", "explain", "packet"]);

const whichBroker: HelpSection = {
  title: "Which broker",
  text: [
    "--admin, else MQTTD_ADMIN, else the one that has left word of itself in MQTTD_RUN_DIR " +
      "(default: a folder of this user). Its token: --token-file, else MQTTD_TOKEN_FILE, else the " +
      "file that the broker named.",
  ],
};

const ofBroker = {
  "2": "usage, or several brokers run here",
  "3": "no broker, or it was gone before the end",
  "4": "refused, or an answer that is not this broker's",
} as const;

/** Flags of every verb, or of every one that asks a broker. */
const flagTexts: Readonly<Record<string, string>> = {
  admin: "port or URL of the broker's administration",
  "token-file": "file with its token, where it needs one",
  timeout: "how long an answer may take (default 5s)",
  json: "as JSON, on one line",
  color: "auto, always or never (default auto)",
  help: "show this help",
};

function rowOf(flag: string, description: string): HelpRow {
  return flagRow({ rawName: flagForms[flag] ?? "", description });
}
