import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";
import type { ExitCode } from "./help.ts";

/** One thing that `mqttd inspect` can be asked. */
interface VerbRow {
  /** What follows the verb; brackets: it may be left out. */
  readonly words: "" | "ID" | "LEVEL" | "[TOPIC]" | "[FILTER]" | "HEX|FILE|-";
  /** The flags that only some verbs have, with what they mean here. */
  readonly flags: Readonly<Record<string, string>>;
  /** Whether it asks a broker, so that it has the flags by which one is found. */
  readonly asksBroker: boolean;
  /** In the list of the verbs. */
  readonly text: string;
  /** On its own page. */
  readonly about: string;
  /** What its exit codes mean, where that is not the same for all verbs. */
  readonly exits: Partial<Record<ExitCode, string>>;
  readonly examples: readonly string[];
}

/** Flags by which a broker is found. */
export const reach: readonly string[] = ["admin", "token-file", "timeout"];
/** Flags that every verb has. */
export const everywhere: readonly string[] = ["json", "color", "help"];

/** Every flag, as it is declared. */
export const flagForms: Readonly<Record<string, string>> = {
  admin: "--admin <WHERE>",
  "token-file": "--token-file <FILE>",
  timeout: "--timeout <TIME>",
  client: "--client <ID>",
  topic: "--topic <TOPIC>",
  event: "--event <NAME>",
  pending: "--pending",
  fired: "--fired",
  "not-fired": "--not-fired",
  wait: "--wait <TIME>",
  expect: "--expect <FATE>",
  limit: "--limit <N>",
  how: "--how <HOW>",
  protocol: "-V, --protocol <VERSION>",
  from: "--from <SENDER>",
  json: "--json",
  color: "--color <WHEN>",
  help: "-h, --help",
};

const limit = { limit: "so many lines at most (default: all that the broker gives, 10,000)" };
const noClient = { "2": "usage, no such client, or several brokers run here" };

/** In the order of the help. The empty verb is the screen that comes without a word. */
export const verbs = {
  "": {
    words: "",
    flags: {},
    asksBroker: true,
    text: "version, clients, wills that wait, the latest ends",
    about: "One screen about the broker.",
    exits: {},
    examples: ["mqttd inspect", "mqttd inspect --json"],
  },
  clients: {
    words: "",
    flags: limit,
    asksBroker: true,
    text: "who is connected, whose session waits",
    about:
      "Every client id that is connected or has a session: where it is, when its keepalive would " +
      "end it, its last packet, its will. Long ids are cut in the table; --json has them whole.",
    exits: {},
    examples: ["mqttd inspect clients", "mqttd inspect clients --limit 20 --json"],
  },
  client: {
    words: "ID",
    flags: {},
    asksBroker: true,
    text: "one client: the live deadline, pings, queue, will, events",
    about:
      "All that the broker knows of one client: its connection and the live deadline, how regular " +
      "its pings are, the closest call, session, queue, subscriptions, will, habits, and its " +
      "last events. Also of one that is gone.",
    exits: noClient,
    examples: ["mqttd inspect client dev-42", "mqttd inspect client dev-42 --json"],
  },
  wills: {
    words: "",
    flags: {
      client: "of this client only",
      topic: "on this topic only",
      pending: "those that are armed or delayed",
      fired: "those that were published",
      "not-fired": "those that were discarded or cancelled",
      wait: "wait until the newest one is published, discarded or cancelled",
      expect: "published, discarded or cancelled: exit code 1 where the newest is not",
      ...limit,
    },
    asksBroker: true,
    text: "each will with its fate",
    about:
      "Wills, newest first: armed (its client is connected), delayed (its Will Delay Interval " +
      "runs), published, discarded or cancelled, with the cause and the statement of the standard. " +
      "--wait and --expect are for scripts.",
    exits: {
      "1": "with --expect: the will's fate was another one, or there is no will",
      "5": "timed out; with --wait: the will is still armed or delayed",
    },
    examples: [
      "mqttd inspect wills",
      "mqttd inspect wills --not-fired",
      "mqttd inspect wills --client dev-42 --wait 5s --expect published",
    ],
  },
  sessions: {
    words: "",
    flags: limit,
    asksBroker: true,
    text: "what is kept for each client id",
    about:
      "The session of each client id: subscriptions, messages that wait, messages in flight, and " +
      "when it ends.",
    exits: {},
    examples: ["mqttd inspect sessions", "mqttd inspect sessions --limit 20"],
  },
  subscriptions: {
    words: "[TOPIC]",
    flags: limit,
    asksBroker: true,
    text: "all of them; with a topic: who would get it, and why",
    about:
      "Every subscription; with a TOPIC (no wildcards): which clients a message on it would reach " +
      "now, by which filter, and why others get nothing.",
    exits: {},
    examples: ["mqttd inspect subscriptions", "mqttd inspect subscriptions home/dev-42/status"],
  },
  retained: {
    words: "[FILTER]",
    flags: limit,
    asksBroker: true,
    text: "retained messages (default #)",
    about:
      "Retained messages whose topics match a filter (default #, which leaves out $SYS), with the " +
      "beginning of each payload. Quote the filter, so that no shell reads it.",
    exits: {},
    examples: [
      "mqttd inspect retained",
      "mqttd inspect retained 'home/#'",
      "mqttd inspect retained '$SYS/#'",
    ],
  },
  config: {
    words: "",
    flags: {},
    asksBroker: true,
    text: "each setting, and where it comes from",
    about:
      "The configuration that the broker runs with: each setting, its value, and whether a flag, " +
      "the environment, the file (line and column) or the default gave it.",
    exits: {},
    examples: ["mqttd inspect config", "mqttd inspect config --json"],
  },
  explain: {
    words: "ID",
    flags: {},
    asksBroker: true,
    text: "why its will did (not) fire, and what to change",
    about:
      "The story of one client: how its connection ended, what became of its will and by which " +
      "statement of the standard, what can happen now, and what to change. Also of a client whose " +
      "CONNECT was refused, and of an id that the broker does not know.",
    exits: noClient,
    examples: ["mqttd inspect explain dev-42", "mqttd inspect explain dev-42 --json"],
  },
  tail: {
    words: "",
    flags: {
      client: "of this client only",
      topic: "events with a topic that matches this filter",
      event: "events of this name only, such as ended",
      json: "as JSON, one line an event",
    },
    asksBroker: true,
    text: "events as they happen, until Ctrl-C",
    about:
      "The lines of the broker's log as they happen, whatever its log level, until Ctrl-C or the " +
      "broker's end. --event packet shows every packet.",
    exits: { "3": "no broker, or it has stopped", "5": "the broker does not answer, or is silent" },
    examples: [
      "mqttd inspect tail",
      "mqttd inspect tail --client dev-42",
      "mqttd inspect tail --event ended --json",
    ],
  },
  packet: {
    words: "HEX|FILE|-",
    flags: {
      protocol: "5, 3.1.1 or 3.1 (default: by the bytes)",
      from: "client or server (default: whichever may send it)",
    },
    asksBroker: false,
    text: "MQTT packets as a tree, with each violation by its statement",
    about:
      "Takes MQTT packets apart, field by field, with each violation of the standard by its " +
      "statement. The bytes: hexadecimal digits on the command line, a file (raw bytes, digits, or " +
      "a dump of xxd, hexdump -C, Wireshark or tcpdump -X), or - for standard input. It asks no " +
      "broker.",
    exits: { "0": "the bytes were read, violations or not", "2": "usage, or no such bytes" },
    examples: [
      "mqttd inspect packet c0 00",
      "mqttd inspect packet 100e00044d5154540402000a00026869",
      "echo d0 00 | mqttd inspect packet - --from server",
    ],
  },
  kick: {
    words: "ID",
    flags: {},
    asksBroker: true,
    text: "close a client's connection",
    about:
      "Closes a client's connection as an operator does: a v5 client gets a DISCONNECT with a " +
      "reason code, and the will is published.",
    exits: { "1": "it was not connected", ...noClient },
    examples: ["mqttd inspect kick dev-42", "mqttd inspect kick dev-42 --json"],
  },
  drop: {
    words: "ID",
    flags: { how: "rst (the connection is reset) or silent (nothing more arrives; default rst)" },
    asksBroker: true,
    text: "break it as the network would",
    about:
      "Breaks a client's connection as the network would, so that you see what becomes of its will " +
      "and of the client: a reset, or silence until the keepalive's deadline.",
    exits: { "1": "it was not connected", ...noClient },
    examples: ["mqttd inspect drop dev-42", "mqttd inspect drop dev-42 --how silent"],
  },
  reload: {
    words: "",
    flags: {},
    asksBroker: true,
    text: "read the configuration again",
    about:
      "Lets the broker read its configuration again, as SIGHUP does, and shows what has changed, " +
      "and what only a restart changes.",
    exits: {
      "2": "usage, several brokers, or problems of the configuration: nothing is changed then",
    },
    examples: ["mqttd inspect reload", "mqttd inspect reload --json"],
  },
  log: {
    words: "LEVEL",
    flags: {},
    asksBroker: true,
    text: "change the log level: error, warn, info, debug",
    about:
      "Changes the level of the broker's log until its next start or reload: error, warn, info, or " +
      "debug, which has every packet.",
    exits: {},
    examples: ["mqttd inspect log debug", "mqttd inspect log info"],
  },
} as const satisfies Record<string, VerbRow>;

export type Verb = keyof typeof verbs;

/** `client ID`. */
export function formOf(verb: Verb): string {
  return `${verb} ${verbs[verb].words}`.trim();
}

/** The verb, and the one word behind it; null: none. Throws CliError for whatever does not belong. */
export function verbOf(given: Arguments): { readonly verb: Verb; readonly word: string | null } {
  const [typed = "", ...rest] = given.positionals;
  const verb = knownVerb(typed);
  const row: VerbRow = verbs[verb];
  const own = [...Object.keys(row.flags), ...(row.asksBroker ? reach : []), ...everywhere];
  const foreign = Object.keys(flagForms).find((flag) => given.has(flag) && !own.includes(flag));
  if (foreign !== undefined) throw notOf(verb, foreign);
  // Hexadecimal may be written as several words.
  const [word, ...more] = verb === "packet" && rest.length > 0 ? [rest.join(" ")] : rest;
  if (word === undefined || word === "") {
    if (row.words === "" || row.words.startsWith("[")) return { verb, word: null };
    throw usageError(`inspect ${verb}: ${row.words} is missing`, `mqttd inspect ${formOf(verb)}`);
  }
  const [surplus] = row.words === "" ? [word] : more;
  if (surplus === undefined) return { verb, word };
  throw usageError(
    `inspect ${verb}: unexpected argument ${quoted(surplus)}`,
    `mqttd inspect ${formOf(verb)}`,
  );
}

/** The verb of that name. Throws CliError with the nearest one. */
export function knownVerb(typed: string): Verb {
  const names = Object.keys(verbs).filter((name) => name !== "");
  if (typed === "" || names.includes(typed)) return typed as Verb; // As looked up.
  const meant = nearest(typed, [...names, "help"]);
  const hint = meant === null ? "see mqttd inspect --help" : `did you mean ${meant}?`;
  throw usageError(`inspect: unknown verb ${quoted(typed)}`, hint);
}

function notOf(verb: Verb, flag: string): Error {
  const owners = Object.entries<VerbRow>(verbs)
    .filter(([name, row]) => name !== "" && flag in row.flags)
    .map(([name]) => name);
  const who = verb === "" ? "inspect" : `inspect ${verb}`;
  const hint = reach.includes(flag) ? "it asks no broker" : `it belongs to ${owners.join(", ")}`;
  return usageError(`${who} has no flag --${bare(flag)}`, hint);
}
