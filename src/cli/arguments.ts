import { assert } from "../core/assert.ts";
import { nearest } from "../config/nearest.ts";
import { bare, quoted } from "../config/problem.ts";
import { millisecondsOf } from "../config/quantity.ts";
import { type Command, type Flag, flagsOf } from "./command.ts";
import { type CliError, usageError } from "../config/cli-error.ts";

/** Rules for reading a command's arguments beyond its flags. */
export interface ReadingRules {
  /** How many positional arguments it takes. Default 0. */
  readonly positionals?: number;
  /** The hint for a surplus positional argument; null: no better one than the help. */
  readonly hintFor?: (positional: string) => string | null;
  /** What to do instead of flags that other programs have, by their names without dashes. */
  readonly strangers?: Readonly<Record<string, string>>;
  /**
   * Whether a flag takes another value after these, beyond those it declares: `-D publish
   * user-property` takes a key and a value, other properties only a value.
   */
  readonly takesMore?: (flag: string, values: readonly string[]) => boolean;
}

/**
 * Reads the arguments after a command's name. A value stays the string that was typed: `0123`, the
 * empty string, `-` and `-5` are valid values, and none becomes a number here. Flags and positional
 * arguments may be mixed; after `--` all are positional. Throws CliError for the first error,
 * unless `--help` is among the flags.
 */
export function readArguments(
  args: readonly string[],
  command: Command,
  rules: ReadingRules = {},
): Arguments {
  const reader = new Reader(args, command, rules);
  reader.read();
  if (reader.firstError !== null && !reader.given.has("help")) throw reader.firstError;
  return reader.given;
}

/** The arguments as read, by the long names of the flags, without dashes. */
export class Arguments {
  readonly positionals: string[] = [];
  readonly #flags: readonly Flag[];
  readonly #values = new Map<string, string[][]>();
  readonly #passedOver = new Map<string, string>();

  constructor(flags: readonly Flag[]) {
    this.#flags = flags;
  }

  add(flag: Flag, values: string[]): void {
    this.#values.set(flag.name, [...this.all(flag.name), values]);
  }

  /** Notes a word behind a flag whose value is optional, which was not taken as that value. */
  passOver(flag: Flag, word: string): void {
    this.#passedOver.set(flag.name, word);
  }

  /** The word that was not taken as the value of this flag; null: there was none. */
  passedOver(name: string): string | null {
    return this.#passedOver.get(name) ?? null;
  }

  /** Whether the command has that flag. */
  declares(name: string): boolean {
    return this.#flags.some((flag) => flag.name === name);
  }

  has(name: string): boolean {
    return this.count(name) > 0;
  }

  /** How many times the flag was given. */
  count(name: string): number {
    return this.all(name).length;
  }

  /** The value of a flag that takes one; null: not given. */
  text(name: string): string | null {
    return this.texts(name)[0] ?? null;
  }

  /** The flags that were given, by their long names. */
  get names(): string[] {
    return [...this.#values.keys()];
  }

  /** The command's arguments once more: positional ones, then flags by their long names. */
  words(shown: (flag: string, value: string) => string): string[] {
    const flags = [...this.#values].flatMap(([name, all]) =>
      all.flatMap((values) => {
        const [first, ...more] = values.map((value) => shown(name, value));
        // Alone, such a value would read as a flag.
        if (first?.startsWith("-") === true) return [`--${name}=${first}`, ...more];
        return [`--${name}`, ...(first === undefined ? [] : [first, ...more])];
      }),
    );
    return [...this.positionals, ...flags];
  }

  /** The first value of each occurrence of the flag. */
  texts(name: string): string[] {
    return this.all(name).map(([first]) => first ?? "");
  }

  /** All values of each occurrence of the flag. */
  all(name: string): readonly string[][] {
    assert(this.declares(name), `the command declares --${name}`);
    return this.#values.get(name) ?? [];
  }
}

class Reader {
  firstError: CliError | null = null;
  readonly given: Arguments;
  readonly #args: readonly string[];
  readonly #command: Command;
  readonly #rules: ReadingRules;
  readonly #flags: readonly Flag[];
  #next = 0;

  constructor(args: readonly string[], command: Command, rules: ReadingRules) {
    this.#args = args;
    this.#command = command;
    this.#rules = rules;
    this.#flags = flagsOf(command);
    this.given = new Arguments(this.#flags);
  }

  read(): void {
    let onlyPositionals = false;
    for (let arg = this.#take(); arg !== null; arg = this.#take()) {
      if (onlyPositionals || !arg.startsWith("-") || arg === "-") this.#positional(arg);
      else if (arg === "--") onlyPositionals = true;
      else if (arg.startsWith("--")) this.#long(arg);
      else this.#short(arg);
    }
  }

  #take(): string | null {
    return this.#args[this.#next++] ?? null;
  }

  #positional(arg: string): void {
    this.given.positionals.push(arg);
    if (this.given.positionals.length <= (this.#rules.positionals ?? 0)) return;
    const hint = this.#rules.hintFor?.(arg) ?? this.#seeHelp();
    this.#fail(`unexpected argument ${quoted(arg)}`, hint);
  }

  #long(arg: string): void {
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const flag = this.#flags.find((other) => other.name === name);
    if (flag === undefined) return this.#unknown(`--${bare(name)}`, name);
    this.#flag(flag, equals < 0 ? null : arg.slice(equals + 1), `--${name}`);
  }

  /** `-v`, `-vv`, `-p 1884`, `-p1884`, `-vp1884`. */
  #short(arg: string): void {
    const word = arg.slice(1).split("=")[0] ?? "";
    if (word.length > 1 && this.#flags.some((other) => other.name === word)) {
      return this.#fail(`unknown flag -${word}`, `did you mean --${word}?`);
    }
    const letters = Array.from(arg.slice(1));
    for (const [index, letter] of letters.entries()) {
      const flag = this.#flags.find((other) => other.short === letter);
      if (flag === undefined) return this.#unknown(`-${bare(letter)}`, arg.slice(1));
      const rest = letters.slice(index + 1).join("");
      if (flag.values > 0) return this.#flag(flag, rest === "" ? null : rest, `-${letter}`);
      if (rest.startsWith("=")) return this.#flag(flag, rest.slice(1), `-${letter}`);
      this.#flag(flag, null, `-${letter}`);
    }
  }

  /** `attached`: the value after `=`, or directly after the letter. */
  #flag(flag: Flag, attached: string | null, typed: string): void {
    if (flag.mayTime) {
      const next = this.#args[this.#next];
      const isTime = next !== undefined && (/^\d+$/.test(next) || millisecondsOf(next) !== null);
      const value = attached ?? (isTime ? this.#take() : null);
      if (value === null && next?.startsWith("-") === false) this.given.passOver(flag, next);
      if (this.given.has(flag.name)) {
        return this.#fail(`--${flag.name} is given twice`, "it takes one value");
      }
      return this.given.add(flag, value === null ? [] : [value]);
    }
    if (flag.values === 0) {
      if (attached !== null) return this.#fail(`${typed} takes no value`, `write only ${typed}`);
      return this.given.add(flag, []);
    }
    const values = attached === null ? [] : [attached];
    while (values.length < flag.values || this.#rules.takesMore?.(flag.name, values) === true) {
      const value = this.#value();
      if (value === null) return this.#withoutValue(flag, typed);
      values.push(value);
    }
    if (!flag.repeatable && this.given.has(flag.name)) {
      return this.#fail(`--${flag.name} is given twice`, "it takes one value");
    }
    this.given.add(flag, values);
  }

  /** A long flag of this command is not a value: `--port --quiet` lacks the port. */
  #value(): string | null {
    const arg = this.#args[this.#next];
    if (arg === undefined) return null;
    const name = arg.startsWith("--") ? arg.slice(2).split("=")[0] : null;
    if (this.#flags.some((flag) => flag.name === name)) return null;
    return this.#take();
  }

  /** If -h is the host, -h without a value is still help, as everywhere else. */
  #withoutValue(flag: Flag, typed: string): void {
    const help = this.#flags.find(({ name }) => name === "help");
    if (typed === "-h" && help !== undefined) this.given.add(help, []);
    else this.#missing(flag, typed);
  }

  #missing(flag: Flag, typed: string): void {
    const declared = this.#command.options.find(({ rawName }) =>
      rawName.includes(`--${flag.name} `),
    );
    const form = declared?.rawName.replace(/^[^<]*/, "").replace(/[<>]/g, "") ?? "";
    const next = this.#args[this.#next];
    const meant = next === undefined ? "" : `; if the value is ${quoted(next)}: --${flag.name}=...`;
    this.#fail(`${typed} lacks its value`, `${typed} ${form}${meant}`);
  }

  #unknown(typed: string, name: string): void {
    const instead = this.#rules.strangers?.[typed.replace(/^-+/, "")];
    if (instead !== undefined) return this.#fail(`there is no flag ${typed}`, instead);
    const names = this.#flags.map((flag) => flag.name);
    const meant = name.length > 1 ? nearest(name, names) : null;
    const hint = meant === null ? this.#seeHelp() : `did you mean --${meant}?`;
    this.#fail(`unknown flag ${typed}`, hint);
  }

  #seeHelp(): string {
    return `see mqttd ${this.#command.name} --help`;
  }

  #fail(message: string, hint: string): void {
    this.firstError ??= usageError(`${this.#command.name}: ${message}`, hint);
  }
}
