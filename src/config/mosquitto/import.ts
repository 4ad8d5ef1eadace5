import path from "node:path";
import { type Account, mistake, needless, type Outcome, shownText, taken } from "./account.ts";
import { bridgeOutcome } from "./bridges.ts";
import { optionOf, unknownText } from "./known-options.ts";
import { type ConfFolder, type ConfLine, type ConfRead, readConf } from "./lines.ts";
import { listenerAddress } from "./listeners.ts";
import type { Option, Scope } from "./option.ts";
import { type Scopes, scopesOf } from "./scopes.ts";
import { silence } from "./silence.ts";
import { type Written, writtenConfig } from "./written.ts";

/** What is known of a file that the configuration names. */
export interface NamedFile {
  readonly isThere: boolean;
  /** With any, mqttd does not start with it. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

export interface ImportOptions {
  /** Whether to take the rest if a line that keeps somebody out can't be taken. */
  readonly takesRest: boolean;
  /** Looks at a password file, an access list, or another file. */
  readonly check: (key: string, file: string) => NamedFile | Promise<NamedFile>;
  /** The errors that mqttd finds in a configuration's text. */
  readonly errorsIn: (text: string) => readonly string[];
}

export interface Imported {
  /** Each line of the file and of those that it includes, in order. */
  readonly accounts: readonly Account[];
  /** What no line says: assumptions, and what differs. */
  readonly notes: readonly string[];
  /** The configuration as a file's text; null: there is none. */
  readonly text: string | null;
  /** Why there is none; empty: there is one. */
  readonly problems: readonly string[];
}

/** Translates the configuration of mosquitto 2.x. Reads only by `folder` and `check`. */
export async function importConf(
  file: string,
  folder: ConfFolder,
  options: ImportOptions,
): Promise<Imported> {
  const read = readConf(file, folder);
  if (read.problems.length > 0) {
    return { accounts: [], notes: [], text: null, problems: read.problems };
  }
  const scopes = scopesOf(read.lines);
  const draft = new Draft(scopes, options.check);
  for (const line of read.lines) await draft.add(line, outcomeOf(line, scopes, read));
  return finished(draft, scopes, options);
}

function outcomeOf(line: ConfLine, scopes: Scopes, read: ConfRead): Outcome {
  const { option, value } = line;
  const bridge = scopes.bridges.get(line);
  if (bridge !== undefined) return bridgeOutcome(line, bridge);
  if (option === "include_dir") return inclusion(line, read);
  if (option === "listener") {
    const scope = scopes.listeners.find(({ start }) => start === line);
    const address = scope === undefined || value === "" ? null : listenerAddress(scope);
    if (address === null) return mistake("the port is missing");
    return "mistake" in address ? mistake(address.mistake) : taken(address.set, address.why);
  }
  const scope = scopes.of.get(line) ?? scopes.global;
  const known = optionOf(option);
  if (known === null && option.trim() === "") {
    return needless("a blank line; with this tab mosquitto 2.0.11 does not start");
  }
  if (known === null) return mistake(unknownText(line));
  if (known.scope === "below" && scope === scopes.first) {
    return mistake("stands above the first listener; mosquitto wants it below");
  }
  const again = givenAgain(line, known, scope);
  if (again !== null) return again;
  const { global, first, isPerListener } = scopes;
  const listener = scope === global ? null : scope;
  const outcome = known.judge(value, { line, listener, global, first, isPerListener });
  if (outcome.fate !== "taken" || scope !== first || scopes.listeners.includes(first))
    return outcome;
  return needless("it belongs to the listener of port, which is not there");
}

function givenAgain(line: ConfLine, { isText, repeats }: Option, scope: Scope): Outcome | null {
  const all = scope.lines.get(line.option) ?? [];
  const [first] = all;
  const last = all.at(-1);
  if (repeats || first === undefined || first === last) return null;
  if (!isText) return line === last ? null : needless(`line ${last?.number} sets it again`);
  if (first === line) return null;
  const place = first.file === line.file ? `line ${first.number}` : `${first.file}:${first.number}`;
  return mistake(`given twice, the first time in ${place}`);
}

function inclusion(line: ConfLine, { inclusions }: ConfRead): Outcome {
  if (line.value === "") return mistake("the folder is missing");
  const found = inclusions.get(line);
  if (found === undefined) return needless("only that of the main file counts");
  if (found.files === null) {
    const warning = "this file is only a part: import it where the folder is";
    return taken({}, "the folder is not here", warning);
  }
  const { length } = found.files;
  return taken({}, `${length === 0 ? "no" : length} ${length === 1 ? "file" : "files"}, in place`);
}

/** The accounts of the lines so far, and what they write. */
class Draft {
  readonly accounts: Account[] = [];
  readonly written: Written[] = [];
  readonly #scopes: Scopes;
  readonly #check: ImportOptions["check"];

  constructor(scopes: Scopes, check: ImportOptions["check"]) {
    this.#scopes = scopes;
    this.#check = check;
  }

  async add(line: ConfLine, outcome: Outcome): Promise<void> {
    const keys: { path: string; value: unknown }[] = [];
    const warnings: string[] = [];
    let judged = outcome;
    if (outcome.fate === "taken") {
      if (outcome.warning !== undefined) warnings.push(outcome.warning);
      for (const [key, value] of Object.entries(outcome.set ?? {})) {
        const to = this.#pathOf(key, line);
        const named = isOfFile(to) ? await this.#check(to, String(value)) : null;
        if (named !== null) warnings.push(...named.warnings);
        if (named?.isThere === false) warnings.push(`${String(value)} is not on this machine`);
        if (named !== null && named.problems.length > 0)
          judged = mistake(named.problems.join("; "));
        keys.push({ path: to, value });
        const at = `${path.basename(line.file)}:${line.number}`;
        warnings.push(...this.#write({ path: to, value, at }));
      }
    }
    this.accounts.push({
      file: line.file,
      line: line.number,
      text: shownText(line),
      fate: judged.fate,
      keys: judged.fate === "taken" ? keys : [],
      why: judged.why ?? "",
      closes: judged.fate === "refused" && judged.closes === true,
      warnings,
    });
  }

  #pathOf(key: string, line: ConfLine): string {
    if (/^(?:limits|log|store|sys)\./.test(key)) return key;
    const { listeners, of, first } = this.#scopes;
    const isAddress = line.option === "port" || line.option === "bind_address";
    const scope = isAddress ? first : of.get(line);
    const place = listeners.findIndex((one) => one === scope || one.start === line);
    return place < 0 ? `auth.${key}` : `listeners.${place}.${key}`;
  }

  /** Of two numbers for one key, the lower counts: mqttd has one for all listeners. */
  #write(written: Written): string[] {
    const at = this.written.findIndex((one) => one.path === written.path);
    const before = this.written[at];
    if (before === undefined) {
      this.written.push(written);
      return [];
    }
    const { value } = written;
    const isNumber = typeof before.value === "number" && typeof value === "number";
    if (!isNumber || value < before.value) this.written[at] = written;
    if (!isNumber || value === before.value) return [];
    return [`of ${before.at} and this line the lower number counts, for all listeners`];
  }
}

/** Values that name a file. */
function isOfFile(key: string): boolean {
  return /(?:\.passwordFile|\.aclFile|\.tls\.(?:cert|key|ca|crl))$/.test(key);
}

/** An error of the translation, with the lines that its keys stand for. */
function placed(error: string, written: readonly Written[]): string {
  const keys = [...error.matchAll(/[a-z][A-Za-z]*(?:\.[A-Za-z\d]+)+/g)];
  const places = keys.flatMap(
    ([key]) => written.find(({ path: one }) => one === key || one.startsWith(`${key}.`))?.at ?? [],
  );
  const text = error.replace(/^the translation:\d+:\d+ /, "");
  return places.length === 0 ? text : `${[...new Set(places)].join(" and ")}: ${text}`;
}

function finished(
  { accounts, written }: Draft,
  scopes: Scopes,
  { takesRest, errorsIn }: ImportOptions,
): Imported {
  const { values, notes } = silence(scopes, written);
  const failed = (problems: readonly string[]): Imported => ({
    accounts,
    notes,
    text: null,
    problems,
  });
  const mistakes = accounts.filter(({ fate }) => fate === "mistake");
  if (mistakes.length > 0) {
    const why = "mend what mosquitto does not start with either, or does not do as it says";
    return failed([`${placesOf(mistakes)}: ${why}`]);
  }
  const closing = accounts.filter(({ closes }) => closes);
  const isRest = closing.length > 0;
  if (isRest && !takesRest) {
    const why =
      "can't be taken, and without it more clients would get in; --rest takes the rest, on " +
      "loopback and for accounts only";
    return failed([`${placesOf(closing)}: ${why}`]);
  }
  const all = [...written, ...values];
  const text = writtenConfig(isRest ? closed(all) : all);
  const errors = errorsIn(text).map((error) => placed(error, all));
  if (errors.length > 0) return failed(errors);
  if (!isRest) return { accounts, notes, text, problems: [] };
  return {
    accounts: accounts.map(closedAccount),
    notes: [...notes, "the rest only: on loopback, for accounts only"],
    text,
    problems: [],
  };
}

/** What `--rest` replaces. */
function isOpening(key: string): boolean {
  return /\.(?:host|allowAnonymous)$/.test(key);
}

/** On loopback, and for accounts only. */
function closed(written: readonly Written[]): Written[] {
  const at = "--rest";
  return [
    ...written.flatMap((one) => {
      if (!isOpening(one.path)) return [one];
      return one.path.endsWith(".host") ? [{ ...one, value: null, at }] : [];
    }),
    { path: "auth.allowAnonymous", value: false, at },
  ];
}

/** The account of a line, without what `--rest` replaced. */
function closedAccount(account: Account): Account {
  const keys = account.keys.filter(({ path: key }) => !isOpening(key));
  if (keys.length === account.keys.length) return account;
  const why = [account.why, "--rest closes it"].filter((text) => text !== "").join("; ");
  return { ...account, keys, why };
}

/** `lines 3, 4, 7`, those of included files with their names. */
function placesOf(accounts: readonly Account[]): string {
  const [main] = accounts;
  const places = accounts.map(({ file, line }) =>
    file === main?.file ? String(line) : `${file}:${line}`,
  );
  return `${places.length === 1 ? "line" : "lines"} ${places.join(", ")}`;
}
