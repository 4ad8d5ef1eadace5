import { usageError } from "../config/cli-error.ts";
import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";

/** One thing that `mqttd inspect` can be asked. */
interface VerbRow {
  /** What follows the verb; brackets: it may be left out. */
  readonly words: "" | "ID" | "LEVEL" | "[TOPIC]" | "[FILTER]" | "HEX|FILE|-";
  /** The flags that only some verbs have. */
  readonly flags: readonly string[];
  readonly text: string;
}

const reach = ["admin", "token-file", "timeout"];

/** In the order of the help. The empty verb is the screen that comes without a word. */
export const verbs = {
  "": { words: "", flags: reach, text: "version, clients, wills that wait, the latest ends" },
  clients: { words: "", flags: [...reach, "limit"], text: "who is connected, whose session waits" },
  client: {
    words: "ID",
    flags: reach,
    text: "one client: the live deadline, pings, queue, will, events",
  },
  wills: {
    words: "",
    flags: [
      ...reach,
      ...["client", "topic", "pending", "fired", "not-fired", "wait", "expect", "limit"],
    ],
    text: "each will with its fate",
  },
  sessions: { words: "", flags: [...reach, "limit"], text: "what is kept for each client id" },
  subscriptions: {
    words: "[TOPIC]",
    flags: [...reach, "limit"],
    text: "all of them; with a topic: who would get it, and why",
  },
  retained: {
    words: "[FILTER]",
    flags: [...reach, "limit"],
    text: "retained messages (default #)",
  },
  config: { words: "", flags: reach, text: "each setting, and who said so" },
  explain: { words: "ID", flags: reach, text: "why its will did (not) fire, and what to change" },
  tail: {
    words: "",
    flags: [...reach, "client", "topic", "event"],
    text: "events as they happen, until Ctrl-C",
  },
  packet: {
    words: "HEX|FILE|-",
    flags: ["protocol", "from"],
    text: "MQTT packets as a tree, with each violation by its statement",
  },
  kick: { words: "ID", flags: reach, text: "close a client's connection" },
  drop: { words: "ID", flags: [...reach, "how"], text: "break it as the network would" },
  reload: { words: "", flags: reach, text: "read the configuration again" },
  log: { words: "LEVEL", flags: reach, text: "say more or less: error, warn, info, debug" },
} as const satisfies Record<string, VerbRow>;

export type Verb = keyof typeof verbs;

/** Flags that every verb has. */
const everywhere: readonly string[] = ["json", "color", "help"];

/** `client ID`. */
export function formOf(verb: Verb): string {
  return `${verb} ${verbs[verb].words}`.trim();
}

/** The verb, and the one word behind it; null: none. Throws CliError for whatever does not belong. */
export function verbOf(
  given: Arguments,
  flags: readonly string[],
): { readonly verb: Verb; readonly word: string | null } {
  const [typed = "", ...rest] = given.positionals;
  const verb = known(typed);
  const row: VerbRow = verbs[verb];
  const foreign = flags.find(
    (flag) => given.has(flag) && !row.flags.includes(flag) && !everywhere.includes(flag),
  );
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

function known(typed: string): Verb {
  const names = Object.keys(verbs).filter((name) => name !== "");
  if (typed === "" || names.includes(typed)) return typed as Verb; // As looked up.
  const meant = nearest(typed, names);
  const hint = meant === null ? "see mqttd inspect --help" : `did you mean ${meant}?`;
  throw usageError(`inspect: unknown verb ${quoted(typed)}`, hint);
}

function notOf(verb: Verb, flag: string): Error {
  const owners = Object.entries<VerbRow>(verbs)
    .filter(([name, row]) => name !== "" && row.flags.includes(flag))
    .map(([name]) => name);
  const who = verb === "" ? "inspect" : `inspect ${verb}`;
  const hint = reach.includes(flag) ? "it asks no broker" : `it belongs to ${owners.join(", ")}`;
  return usageError(`${who} has no flag --${bare(flag)}`, hint);
}
