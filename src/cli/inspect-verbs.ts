import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";
import type { ExitCode } from "./help.ts";

/** One verb of `mqttd inspect`. */
interface VerbRow {
  /** What follows the verb; brackets: optional. */
  readonly words: "" | "ID" | "LEVEL" | "[TOPIC]" | "[FILTER]" | "HEX|FILE|-";
  /** The flags that not every verb has, with their meaning here. */
  readonly flags: Readonly<Record<string, string>>;
  /** Whether it queries a broker, and so has the flags that name one. */
  readonly asksBroker: boolean;
  /** Its text in the list of verbs. */
  readonly text: string;
  /** Its text on its own page. */
  readonly about: string;
  /** The exit codes that mean something else here than for other verbs. */
  readonly exits: Partial<Record<ExitCode, string>>;
  readonly examples: readonly string[];
}

/** Flags that name a broker. */
export const reach: readonly string[] = ["admin", "token-file", "cafile", "timeout"];
/** Flags that every verb has. */
export const everywhere: readonly string[] = ["json", "color", "help"];

/** Every flag in its declared form. */
export const flagForms: Readonly<Record<string, string>> = {
  admin: "--admin <WHERE>",
  data: "--data <DIR>",
  "token-file": "--token-file <FILE>",
  cafile: "--cafile <FILE>",
  timeout: "--timeout <TIME>",
  client: "--client <ID>",
  user: "--user <NAME>",
  topic: "--topic <TOPIC>",
  action: "--action <ACTION>",
  listener: "--listener <NAME>",
  event: "--event <NAME>",
  pending: "--pending",
  fired: "--fired",
  "not-fired": "--not-fired",
  wait: "--wait <TIME>",
  expect: "--expect <FATE>",
  limit: "--limit <N>",
  sort: "--sort <WHAT>",
  how: "--how <HOW>",
  protocol: "-V, --protocol <VERSION>",
  from: "--from <SENDER>",
  secrets: "--secrets",
  watch: "--watch [TIME]",
  json: "--json",
  color: "--color <WHEN>",
  help: "-h, --help",
};

const limit = { limit: "at most N lines (default: the most that the broker sends, 10,000)" };
const data = { data: "read the store of a broker that does not run (serve --data)" };
const watch = { watch: "show it again every TIME, until Ctrl-C (default 2s)" };
const noClient = { "2": "usage, no such client, or several brokers on this machine" };

/** In the order of the help. The empty verb is `mqttd inspect` alone. */
export const verbs = {
  "": {
    words: "",
    flags: { ...data, ...watch },
    asksBroker: true,
    text: "version, clients, pending wills, the latest ends",
    about: "One screen about the broker.",
    exits: {},
    examples: ["mqttd inspect", "mqttd inspect --json"],
  },
  clients: {
    words: "",
    flags: { sort: "memory: the client that holds most memory first", ...limit, ...data, ...watch },
    asksBroker: true,
    text: "connected clients and stored sessions",
    about:
      "Every client id that is connected or has a session: its address, its keepalive deadline, its " +
      "last packet, its will. The table cuts long ids; --json has them whole.",
    exits: {},
    examples: ["mqttd inspect clients", "mqttd inspect clients --sort memory --limit 20"],
  },
  client: {
    words: "ID",
    flags: { ...data, ...watch },
    asksBroker: true,
    text: "one client: the live deadline, pings, queue, will, events",
    about:
      "Everything that the broker knows about one client: its connection and the live deadline, how " +
      "regular its pings are, the closest call, session, queue, subscriptions, will, habits, and " +
      "its last events. Also for a client that is gone.",
    exits: noClient,
    examples: ["mqttd inspect client dev-42", "mqttd inspect client dev-42 --json"],
  },
  wills: {
    words: "",
    flags: {
      client: "wills of this client only",
      topic: "wills on this topic only",
      pending: "armed and delayed wills",
      fired: "published wills",
      "not-fired": "discarded and cancelled wills",
      wait: "wait until the newest one is published, discarded or cancelled",
      expect: "published, discarded or cancelled; exit code 1 if the newest had another fate",
      ...limit,
      ...data,
      ...watch,
    },
    asksBroker: true,
    text: "each will with its fate",
    about:
      "Wills, newest first: armed (its client is connected), delayed (its Will Delay Interval " +
      "runs), published, discarded or cancelled, with the cause and the statement of the standard. " +
      "--wait and --expect are for scripts.",
    exits: {
      "1": "with --expect: the will had another fate, or there is no will",
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
    flags: { ...limit, ...data, ...watch },
    asksBroker: true,
    text: "the session of each client id",
    about:
      "The session of each client id: subscriptions, queued messages, messages in flight, and when " +
      "it ends.",
    exits: {},
    examples: ["mqttd inspect sessions", "mqttd inspect sessions --limit 20"],
  },
  subscriptions: {
    words: "[TOPIC]",
    flags: { ...limit, ...data, ...watch },
    asksBroker: true,
    text: "all subscriptions; with a topic: who would get a message, and why",
    about:
      "Every subscription; with a TOPIC (no wildcards): which clients would get a message on it now, " +
      "by which filter, and why others would not.",
    exits: {},
    examples: ["mqttd inspect subscriptions", "mqttd inspect subscriptions home/dev-42/status"],
  },
  retained: {
    words: "[FILTER]",
    flags: { ...limit, ...data, ...watch },
    asksBroker: true,
    text: "retained messages (default #)",
    about:
      "Retained messages whose topics match a filter (default #, which excludes $SYS), with the " +
      "start of each payload. Quote the filter, so that the shell does not expand it.",
    exits: {},
    examples: [
      "mqttd inspect retained",
      "mqttd inspect retained 'home/#'",
      "mqttd inspect retained '$SYS/#'",
    ],
  },
  messages: {
    words: "[FILTER]",
    flags: {
      wait: "wait until there is one, or as many as --limit",
      limit: "the last N messages (default: all that are remembered)",
      ...watch,
    },
    asksBroker: true,
    text: "the last messages (default #)",
    about:
      "The last messages on topics that match a filter (default #, which excludes those that begin " +
      "with $), wills too, oldest first, with the start of each payload; --json has them whole. The " +
      "broker remembers admin.messages of them, 1000 by default.",
    exits: { "5": "timed out; with --wait: there are fewer" },
    examples: [
      "mqttd inspect messages",
      "mqttd inspect messages 'home/#' --limit 5",
      "mqttd inspect messages home/dev-42/status --wait 5s --json",
    ],
  },
  acl: {
    words: "",
    flags: {
      topic: "the topic, with the listener's mount point; for subscribe a filter",
      client: "the client id",
      user: "the user name; without it: a client without one",
      action: "read, write or subscribe (default: read and write; for a filter: subscribe)",
      listener:
        "ask the list of this listener, by name or port (default: the client's, else the first)",
      ...watch,
    },
    asksBroker: true,
    text: "may this client read or write that topic, by which line",
    about:
      "Whether the access list lets a client read (get a message), write (PUBLISH, or a will) or " +
      "subscribe, and the line of the file that decides. The client need not be connected.",
    exits: { "0": "everything asked for is allowed", "1": "something is denied" },
    examples: [
      "mqttd inspect acl --client dev-42 --topic home/dev-42/status",
      "mqttd inspect acl --user ann --client dev-42 --topic 'home/#' --action subscribe",
    ],
  },
  config: {
    words: "",
    flags: watch,
    asksBroker: true,
    text: "each setting, and where it comes from",
    about:
      "The configuration of the broker: each setting, its value, and its source: a flag, the " +
      "environment, the file (line and column) or the default.",
    exits: {},
    examples: ["mqttd inspect config", "mqttd inspect config --json"],
  },
  store: {
    words: "",
    flags: { ...data, ...watch },
    asksBroker: true,
    text: "the store of serve --data: size, commits, failures",
    about:
      "The store of serve --data: its file and size, the records in it, how long commits take, and " +
      "whether they fail.",
    exits: {},
    examples: ["mqttd inspect store", "mqttd inspect store --json"],
  },
  explain: {
    words: "ID",
    flags: { ...data, ...watch },
    asksBroker: true,
    text: "why its will did (not) fire, and what to change",
    about:
      "The story of one client: how its connection ended, the fate of its will with the statement " +
      "of the standard, what can happen now, and what to change. Also for a client whose CONNECT " +
      "was refused, and for an id that the broker does not know.",
    exits: noClient,
    examples: ["mqttd inspect explain dev-42", "mqttd inspect explain dev-42 --json"],
  },
  lint: {
    words: "",
    flags: {
      client: "this client only",
      limit: "look at up to N clients (default 10,000)",
      ...data,
      ...watch,
    },
    asksBroker: true,
    text: "habits of clients that make wills go wrong",
    about:
      "The habits of clients that the broker's records show, from those of explain, the worst first: " +
      "each with its evidence and what to change. proved: the records allow no other reading. " +
      "likely: a lost link or an intention would look the same. Also of clients that are gone.",
    exits: {
      "1": "a habit is proved",
      ...noClient,
    },
    examples: ["mqttd inspect lint", "mqttd inspect lint --client dev-42 --json"],
  },
  tail: {
    words: "",
    flags: {
      client: "events of this client only",
      topic: "events with a topic that matches this filter; # matches none that begins with $",
      event: "events of this name only, for example ended",
      json: "print JSON, one line per event",
    },
    asksBroker: true,
    text: "events as they happen, until Ctrl-C",
    about:
      "The lines of the broker's log as they happen, whatever its log level, until Ctrl-C or the " +
      "broker's end. --event packet shows every packet.",
    exits: {
      "3": "no broker, or it has stopped",
      "5": "the broker does not answer, or the stream is silent",
    },
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
      from: "client or server (default: the one that may send it)",
      secrets: "show passwords and Authentication Data (default: hide them)",
    },
    asksBroker: false,
    text: "MQTT packets as a tree, each violation with its statement",
    about:
      "Decodes MQTT packets field by field; each violation names its statement of the standard. The " +
      "bytes: hexadecimal digits, a Buffer, an array or a string of source code on the command line; " +
      "a file with these, with raw bytes, or with dumps of xxd, hexdump, od, tcpdump -x or Wireshark " +
      "(Follow > Hex Dump too); or - for standard input. It needs no broker.",
    exits: {
      "0": "the bytes were read, violations or not",
      "2": "usage, or the bytes are not MQTT",
    },
    examples: [
      "mqttd inspect packet c0 00",
      "mqttd inspect packet 100e00044d5154540402000a00026869",
      "echo d0 00 | mqttd inspect packet - --from server",
      "mqttd inspect packet '<Buffer e0 01 04>' -V 5",
    ],
  },
  kick: {
    words: "ID",
    flags: {},
    asksBroker: true,
    text: "close a client's connection",
    about:
      "Closes a client's connection on the operator's behalf: a v5 client gets DISCONNECT with a " +
      "reason code, and its will is published.",
    exits: { "1": "the client was not connected", ...noClient },
    examples: ["mqttd inspect kick dev-42", "mqttd inspect kick dev-42 --json"],
  },
  drop: {
    words: "ID",
    flags: { how: "rst (reset the connection) or silent (let nothing more through); default rst" },
    asksBroker: true,
    text: "break a client's connection as the network would",
    about:
      "Breaks a client's connection as the network would, to show how its will and the client react: " +
      "by a reset, or by silence until the keepalive deadline.",
    exits: { "1": "the client was not connected", ...noClient },
    examples: ["mqttd inspect drop dev-42", "mqttd inspect drop dev-42 --how silent"],
  },
  reload: {
    words: "",
    flags: {},
    asksBroker: true,
    text: "reload the configuration",
    about:
      "Makes the broker reload its configuration, as SIGHUP does, and shows which settings changed, " +
      "and which need a restart.",
    exits: {
      "2": "usage, several brokers, or an invalid configuration, which changes nothing",
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

/** The verb and its word; null: no word. Throws CliError for a surplus word or a foreign flag. */
export function verbOf(given: Arguments): { readonly verb: Verb; readonly word: string | null } {
  const [typed = "", ...rest] = given.positionals;
  const passedOver = given.passedOver("watch");
  const verb = knownVerb(typed, passedOver);
  const row: VerbRow = verbs[verb];
  const own = [...Object.keys(row.flags), ...(row.asksBroker ? reach : []), ...everywhere];
  const foreign = Object.keys(flagForms).find((flag) => given.has(flag) && !own.includes(flag));
  if (foreign !== undefined) throw notOf(verb, foreign);
  // Hexadecimal may come in several words.
  const [word, ...more] = verb === "packet" && rest.length > 0 ? [rest.join(" ")] : rest;
  if (word === undefined || word === "") {
    if (row.words === "" || row.words.startsWith("[")) return { verb, word: null };
    throw usageError(`inspect ${verb}: ${row.words} is missing`, `mqttd inspect ${formOf(verb)}`);
  }
  const [surplus] = row.words === "" ? [word] : more;
  if (surplus === undefined) return { verb, word };
  if (surplus === passedOver) throw noTime(surplus);
  throw usageError(
    `inspect ${verb}: unexpected argument ${quoted(surplus)}`,
    `mqttd inspect ${formOf(verb)}`,
  );
}

/** The verb of that name; `passedOver`: the word behind --watch. Throws CliError with the nearest verb. */
export function knownVerb(typed: string, passedOver: string | null = null): Verb {
  const names = Object.keys(verbs).filter((name) => name !== "");
  if (typed === "" || names.includes(typed)) return typed as Verb; // As looked up.
  const meant = nearest(typed, [...names, "help"]);
  if (meant === null && typed === passedOver) throw noTime(typed);
  const hint = meant === null ? "see mqttd inspect --help" : `did you mean ${meant}?`;
  throw usageError(`inspect: unknown verb ${quoted(typed)}`, hint);
}

function noTime(word: string): Error {
  return usageError(
    `--watch: found ${quoted(word)}, allowed: seconds, a duration like "500ms" or "2m", or no value`,
    "mqttd inspect [VERB] --watch 5s",
  );
}

function notOf(verb: Verb, flag: string): Error {
  const owners = Object.entries<VerbRow>(verbs)
    .filter(([name, row]) => name !== "" && flag in row.flags)
    .map(([name]) => name);
  const who = verb === "" ? "inspect" : `inspect ${verb}`;
  const hint = reach.includes(flag) ? "it needs no broker" : `it belongs to ${owners.join(", ")}`;
  return usageError(`${who} has no flag --${bare(flag)}`, hint);
}
