import type { ReadingRules } from "./arguments.ts";
import { type CliCommand, type Flag, flagsOf, pageOf, type Surroundings } from "./command.ts";
import { commands } from "./commands.ts";
import { helpTopics, topicWords } from "./help-topics.ts";
import type { HelpPage } from "./help.ts";
import { attached, described, files, folders, nothing, type Offer, wordsOf } from "./offer.ts";

/** Values of flags by their placeholder, for all commands: `--cafile <FILE>`. */
const byPlaceholder: Readonly<Record<string, Offer>> = {
  FILE: files,
  DIR: folders,
  FOLDER: folders,
  WHEN: wordsOf(["auto", "always", "never"]),
  VERSION: wordsOf(["5", "3.1.1", "3.1"]),
  QOS: wordsOf(["0", "1", "2"]),
};

/**
 * What may stand at the cursor. `typed`: the words behind `mqttd`, without quotes; the last one ends
 * at the cursor, and may be empty. Every offered word begins with it.
 */
export async function offerFor(
  typed: readonly string[],
  surroundings: Surroundings,
): Promise<Offer> {
  const current = typed.at(-1) ?? "";
  const before = typed.slice(0, -1);
  return beginning(current, await offerBehind(before, current, surroundings));
}

async function offerBehind(
  before: readonly string[],
  current: string,
  surroundings: Surroundings,
): Promise<Offer> {
  const [name, ...rest] = before;
  if (name === undefined) return firstWord(current);
  if (name === "help" || name === "-h" || name === "--help") return topicOffer(rest);
  const command = await loadCommand(name);
  if (command === null) return nothing;
  return new Cursor(command, rest).offer(current, surroundings);
}

function firstWord(current: string): Offer {
  if (current.startsWith("-")) {
    return described([
      ["--help", "show the help"],
      ["--version", "show the version"],
    ]);
  }
  return described([
    ...commands.map(({ name, summary }) => [name, summary] as const),
    ["help", "of a command"],
  ]);
}

/** After `mqttd help`. */
async function topicOffer(before: readonly string[]): Promise<Offer> {
  const [name, ...more] = before;
  if (name === undefined) {
    return described(
      [...commands, ...helpTopics].map(({ name, summary }) => [name, summary] as const),
    );
  }
  const topic = helpTopics.find((other) => other.name === name);
  if (topic !== undefined) return more.length === 0 ? described(topicWords(topic)) : nothing;
  const command = more.length === 0 ? await loadCommand(name) : null;
  return command === null ? nothing : verbOffer(command);
}

async function loadCommand(name: string): Promise<CliCommand | null> {
  return (await commands.find((other) => other.name === name)?.load()) ?? null;
}

function verbOffer({ verbs = [] }: CliCommand): Offer {
  return described(verbs.map(({ name, text }) => [name, text] as const));
}

/** The words of one command up to the cursor. */
class Cursor {
  readonly #command: CliCommand;
  readonly #flags: readonly Flag[];
  readonly #positionals: string[] = [];
  readonly #given = new Set<string>();
  /** The flag whose value is at the cursor; null: none. */
  #open: Flag | null = null;
  /** The values of that flag before the cursor. */
  #openValues: readonly string[] = [];
  #onlyPositionals = false;

  constructor(command: CliCommand, before: readonly string[]) {
    this.#command = command;
    this.#flags = flagsOf(command.command);
    let values: string[] = [];
    for (const word of before) {
      if (this.#open !== null) {
        values.push(word);
        if (!takes(this.#open, values, command.rules)) this.#open = null;
      } else if (this.#onlyPositionals || !word.startsWith("-") || word === "-") {
        this.#positionals.push(word);
      } else if (word === "--") this.#onlyPositionals = true;
      else {
        const { flag, value } = this.#flagIn(word);
        if (flag === undefined) continue;
        this.#given.add(flag.name);
        values = value === null ? [] : [value];
        this.#open = takes(flag, values, command.rules) ? flag : null;
      }
    }
    this.#openValues = values;
  }

  /** The last flag of a word: `--port=1`, `-p`, `-vp1`. */
  #flagIn(word: string): { readonly flag: Flag | undefined; readonly value: string | null } {
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(word);
    if (long !== null) {
      return { flag: this.#flags.find(({ name }) => name === long[1]), value: long[2] ?? null };
    }
    const letters = word.slice(1);
    let last: Flag | undefined;
    for (const [index, letter] of Array.from(letters).entries()) {
      last = this.#flags.find(({ short }) => short === letter);
      if (last === undefined || last.values === 0) continue;
      const value = letters.slice(index + 1);
      return { flag: last, value: value === "" ? null : value };
    }
    return { flag: last, value: null };
  }

  async offer(current: string, surroundings: Surroundings): Promise<Offer> {
    if (this.#open !== null) return this.#valueOf(this.#open, current, this.#openValues);
    if (!this.#onlyPositionals && current.startsWith("-")) {
      const [prefix = "", name] = /^--([^=]+)=/.exec(current) ?? [];
      const flag = this.#flags.find((one) => one.name === name && one.values > 0);
      if (flag !== undefined) {
        return attached(prefix, this.#valueOf(flag, current.slice(prefix.length)));
      }
      return this.#flagOffer();
    }
    const { completion } = this.#command;
    if (completion?.word !== undefined) return completion.word(this.#positionals, surroundings);
    return this.#positionals.length === 0 ? verbOffer(this.#command) : nothing;
  }

  #valueOf({ name }: Flag, current: string, before: readonly string[] = []): Offer {
    const own = this.#command.completion?.values?.[name];
    if (own !== undefined) return own(current, before);
    const declared = this.#command.command.options.find(({ rawName }) =>
      rawName.includes(`--${name} `),
    );
    const [, placeholder = ""] = /<(\w+)>/.exec(declared?.rawName ?? "") ?? [];
    return byPlaceholder[placeholder] ?? nothing;
  }

  /** The flags of the page that `--help` would show here, but not those that are given already. */
  #flagOffer(): Offer {
    const rows = pageAt(this.#command, this.#positionals[0]).sections.flatMap(
      ({ rows }) => rows ?? [],
    );
    return described(
      rows.flatMap(([term, text]) => {
        const [, name] = /^(?:-\w, |\s*)--([a-z][a-z0-9-]*)/.exec(term) ?? [];
        const flag = this.#flags.find((one) => one.name === name);
        const isSpent = flag === undefined || (this.#given.has(flag.name) && !flag.repeatable);
        return isSpent ? [] : [[`--${flag.name}`, text] as const];
      }),
    );
  }
}

/** Whether a flag takes another value. */
function takes(flag: Flag, values: readonly string[], rules: ReadingRules): boolean {
  return values.length < flag.values || rules.takesMore?.(flag.name, values) === true;
}

/** The page of the verb; of the command where there is no such verb. */
function pageAt(command: CliCommand, verb: string | undefined): HelpPage {
  try {
    return pageOf(command, verb);
  } catch {
    // Misspelt.
    return command.help;
  }
}

function beginning(current: string, offer: Offer): Offer {
  if (offer.kind !== "words") return offer;
  return { kind: "words", words: offer.words.filter(({ value }) => value.startsWith(current)) };
}
