import { usageError } from "../../config/cli-error.ts";
import { atKey, type NamedBy } from "../../config/named-files.ts";
import { type Problem, problemLines } from "../../config/problem.ts";
import { type ListenerSettings, listenerPlace } from "../../config/settings.ts";
import type { Access, Verdict } from "../../core/access.ts";
import { everybody } from "../../core/access-list.ts";
import { name } from "../../log/foreign.ts";
import {
  type AccessFileContent,
  type AccessFileParsed,
  type AccessText,
  parseAccessFile,
  readAccessFile,
} from "./access-file.ts";
import {
  oddityWarnings,
  type Stranger,
  strangersAmong,
  strangerWarning,
  type Usernames,
} from "./access-oddities.ts";

/** A file in force, or read for it. */
interface AccessFile extends AccessFileContent {
  readonly text: string;
}

/** The accounts of a password file; undefined: it is not in use. */
export type AccountsOf = (passwordFile: string) => Usernames | undefined;

/** The users of a file without an account, and the password files where they would have to be. */
interface FileStrangers {
  readonly named: readonly Stranger[];
  readonly more: number;
  readonly passwordFiles: readonly string[];
}

/** A file whose lines a reload changed. */
export interface AccessFileChange {
  readonly file: string;
  readonly lines: number;
}

/** Files that were read, and are not in force yet. */
export interface AccessFilesRead {
  /** The lists of listeners that have one, by the listeners' names for the core. */
  readonly byListener: ReadonlyMap<string, Access>;
  readonly changed: readonly AccessFileChange[];
  readonly warnings: readonly string[];
  readonly apply: () => void;
}

/** Milliseconds of parsing in one turn of the event loop, and lines between two looks at the clock. */
const pieceMs = 2;
const linesAtOnce = 50;

/** The access lists of the listeners. A file whose bytes have not changed keeps its list. */
export class AccessFiles {
  #files: ReadonlyMap<string, AccessFile> = new Map();
  #strangers: ReadonlyMap<string, FileStrangers> = new Map();

  /**
   * Reads the listeners' files. `pause` gives the event loop back between pieces of a long file.
   * Changes nothing yet.
   */
  async read(
    listeners: readonly ListenerSettings[],
    accountsOf: AccountsOf,
    pause: () => Promise<void>,
    named: NamedBy,
  ): Promise<AccessFilesRead | { readonly problems: readonly Problem[] }> {
    const files = new Map<string, AccessFile>();
    const problems: Problem[] = [];
    for (const path of new Set(listeners.map(({ aclFile }) => aclFile))) {
      if (path === null) continue;
      const file = await this.#readOne(path, pause);
      if ("problems" in file) problems.push(...atKey(file.problems, path, named("aclFile", path)));
      else files.set(path, file);
    }
    if (problems.length > 0) return { problems };
    const byListener = new Map<string, Access>();
    for (const [place, { aclFile }] of listeners.entries()) {
      const file = aclFile === null ? undefined : files.get(aclFile);
      if (file !== undefined) byListener.set(accessListName(place), file.list);
    }
    const changed = [...files].flatMap(([file, { list }]) =>
      this.#files.get(file)?.list === list ? [] : [{ file, lines: list.size }],
    );
    const strangers = strangersOf(listeners, files, accountsOf);
    const apply = (): void => {
      this.#files = files;
      this.#strangers = strangers;
    };
    const odd = [...files].flatMap(([file, { oddities }]) => [
      ...oddityWarnings(file, oddities),
      ...strangerWarnings(file, strangers.get(file)),
    ]);
    return { byListener, changed, warnings: [...unchecked(listeners, files), ...odd], apply };
  }

  /**
   * What is odd in a list in force and may be behind what it says of a user: odd lines that decide
   * and, if something is denied, those of the user and of all; and that the user has no account.
   */
  warningsFor(
    access: Access,
    username: string | null,
    verdicts: readonly Pick<Verdict, "allowed" | "rule">[],
  ): readonly string[] {
    for (const [file, { list, oddities }] of this.#files) {
      if (list !== access) continue;
      const deciding = new Set(verdicts.map(({ rule }) => rule?.line));
      const isDenied = verdicts.some(({ allowed }) => !allowed);
      const odd = oddities.filter(({ line, kind, user }) => {
        if (deciding.has(line)) return true;
        return isDenied && kind !== "sameForAll" && (user === username || user === everybody);
      });
      const { named = [], passwordFiles = [] } = this.#strangers.get(file) ?? {};
      const strangers = named
        .filter((stranger) => username !== null && concerns(stranger, username))
        .map((stranger) => strangerWarning(file, stranger, passwordFiles));
      return [...oddityWarnings(file, odd), ...strangers];
    }
    return [];
  }

  async #readOne(
    path: string,
    pause: () => Promise<void>,
  ): Promise<AccessFile | { readonly problems: readonly Problem[] }> {
    const text = readAccessFile(path);
    if ("problems" in text) return text;
    const known = this.#files.get(path);
    if (known?.text === text.text) return known;
    const content = await parsed(text, pause);
    return "problems" in content ? content : { text: text.text, ...content };
  }
}

/** The name of a listener's access list, for the core: it stays when the file is another. */
export function accessListName(place: number): string {
  return `listeners.${place}`;
}

/** Reads them before there is a client. Throws CliError (exit code 2) with every problem. */
export async function readAccessOrThrow(
  files: AccessFiles,
  listeners: readonly ListenerSettings[],
  accountsOf: AccountsOf,
  named: NamedBy,
): Promise<AccessFilesRead> {
  const read = await files.read(listeners, accountsOf, () => Promise.resolve(), named);
  if (!("problems" in read)) return read;
  throw usageError(problemLines(read.problems).join("\n"));
}

async function parsed(text: AccessText, pause: () => Promise<void>): Promise<AccessFileParsed> {
  const parsing = parseAccessFile(text);
  let began = performance.now();
  for (let lines = 1; ; lines++) {
    const next = parsing.next();
    if (next.done === true) return next.value;
    if (lines % linesAtOnce > 0 || performance.now() - began < pieceMs) continue;
    await pause();
    began = performance.now();
  }
}

/** Lists with lines for user names that nothing checks. */
function unchecked(
  listeners: readonly ListenerSettings[],
  files: ReadonlyMap<string, AccessFile>,
): string[] {
  return listeners.flatMap((listener, place) => {
    const { aclFile, passwordFile, tls } = listener;
    if (aclFile === null || passwordFile !== null || tls?.identityAsUsername === true) return [];
    if (files.get(aclFile)?.list.namesUsers !== true) return [];
    return [
      `${listenerPlace(place, listener)}: ${name(aclFile)} has lines for user names, which any client ` +
        `may claim, since no password file checks them; create one: mqttd passwd FILE USER`,
    ];
  });
}

/** By file, of those whose listeners all check user names by password files. */
function strangersOf(
  listeners: readonly ListenerSettings[],
  files: ReadonlyMap<string, AccessFile>,
  accountsOf: AccountsOf,
): ReadonlyMap<string, FileStrangers> {
  const found = new Map<string, FileStrangers>();
  for (const [file, { users }] of files) {
    const passwordFiles = new Set<string>();
    const accounts: Usernames[] = [];
    const isChecked = listeners.every(({ aclFile, passwordFile, tls }) => {
      if (aclFile !== file) return true;
      const some = passwordFile === null ? undefined : accountsOf(passwordFile);
      // A certificate's name needs no account.
      if (passwordFile === null || some === undefined || tls?.identityAsUsername === true)
        return false;
      passwordFiles.add(passwordFile);
      accounts.push(some);
      return true;
    });
    if (!isChecked) continue;
    const { named, more } = strangersAmong(users, accounts);
    if (named.length > 0) found.set(file, { named, more, passwordFiles: [...passwordFiles] });
  }
  return found;
}

function strangerWarnings(file: string, strangers: FileStrangers | undefined): string[] {
  if (strangers === undefined) return [];
  const { named, more, passwordFiles } = strangers;
  const lines = named.map((stranger) => strangerWarning(file, stranger, passwordFiles));
  return more === 0 ? lines : [...lines, `${name(file)}: ${more} more users have no account`];
}

/** The user is the stranger, or the one that its line probably means. */
function concerns({ username, meant }: Stranger, asked: string): boolean {
  return username === asked || meant === asked;
}
