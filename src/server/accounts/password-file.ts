import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isOwn } from "../../api/own-file.ts";
import { othersMay } from "../../config/file.ts";
import { type Problem, shellWord } from "../../config/problem.ts";
import { name } from "../../log/foreign.ts";
import { systemErrorText } from "../../log/system-error.ts";
import { type PasswordHash, readHash } from "./password-hash.ts";

/**
 * Bytes. About 30,000 accounts: a reload reads the file in one go while clients wait, which takes
 * some milliseconds.
 */
export const passwordFileMax = 4 * 1024 * 1024;
/** Characters: MQTT carries no longer user name. */
const usernameMax = 65_535;

/** One user name with its password. */
export interface Account {
  /** As in the file. */
  readonly written: string;
  readonly hash: PasswordHash;
}

/** A file as it was read. */
export interface PasswordFile {
  readonly path: string;
  readonly accounts: ReadonlyMap<string, Account>;
  /** Of the account that takes longest to check; null: there are no accounts. */
  readonly costliest: PasswordHash | null;
  /** Risks, one line each. */
  readonly warnings: readonly string[];
}

export type PasswordFileRead = PasswordFile | { readonly problems: readonly Problem[] };

/**
 * Reads a password file. Accounts whose line is that of `before` stay the same objects. Reports
 * every problem of the file, and none quotes a password or a hash. Never throws for what it finds.
 */
export function readPasswordFile(path: string, before: PasswordFile | null): PasswordFileRead {
  try {
    const { text, warnings } = contentOf(path);
    const parsed = accountsOf(path, text, before?.accounts ?? new Map<string, Account>());
    if ("problems" in parsed) return parsed;
    return { path, warnings, ...parsed };
  } catch (error) {
    const hint = "mqttd passwd creates one";
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const why = error instanceof Unfit ? error.message : systemErrorText(error);
    return problem(path, `can't read the password file: ${why}${missing ? ` (${hint})` : ""}`);
  }
}

class Unfit extends Error {}

/** Checks the open descriptor, so that the checked file is the one read; a pipe never blocks it. */
function contentOf(path: string): { text: string; warnings: readonly string[] } {
  const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  const descriptor = openSync(path, constants.O_RDONLY | O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Unfit("it is not a regular file");
    const bytes = new Uint8Array(Math.min(found.size, passwordFileMax) + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
      read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    }
    if (filled > passwordFileMax) throw new Unfit(`it is larger than ${passwordFileMax} B`);
    const text = new TextDecoder("utf-8").decode(bytes.subarray(0, filled));
    return { text, warnings: risksOf(path, found) };
  } finally {
    closeSync(descriptor);
  }
}

function risksOf(path: string, found: { readonly uid: number; readonly mode: number }): string[] {
  if (process.platform === "win32") return [];
  const risks: string[] = [];
  const file = `the password file ${name(path)}`;
  if (!isOwn(found) && found.uid !== 0) {
    risks.push(`${file} belongs to another user (uid ${found.uid}), who can let anybody in`);
  }
  const may = othersMay(found.mode);
  if (may !== null) {
    risks.push(`${file} is ${may} by every user of this machine: chmod o= ${shellWord(path)}`);
  }
  return risks;
}

function accountsOf(
  path: string,
  text: string,
  before: ReadonlyMap<string, Account>,
): Pick<PasswordFile, "accounts" | "costliest"> | { readonly problems: readonly Problem[] } {
  const accounts = new Map<string, Account>();
  const lines = new Map<string, number>();
  const problems: Problem[] = [];
  let costliest: PasswordHash | null = null;
  let number = 0;
  for (const line of linesOf(text)) {
    number++;
    if (isBlank(line)) continue;
    const read = readLine(line, before);
    if (typeof read === "string") {
      problems.push({ at: `${path}:${number}`, text: read });
      continue;
    }
    const { username, account } = read;
    const first = lines.get(username);
    if (first !== undefined) {
      const at = `${path}:${number}`;
      problems.push({ at, text: `${name(username)} has an account in line ${first} already` });
      continue;
    }
    lines.set(username, number);
    accounts.set(username, account);
    if (costliest === null || account.hash.cost > costliest.cost) costliest = account.hash;
  }
  return problems.length > 0 ? { problems } : { accounts, costliest };
}

/** Lines without their ends; a byte order mark is no part of the first. */
export function linesOf(text: string): string[] {
  return text.replace(/^\uFEFF/, "").split(/\r?\n/);
}

/** A comment, or nothing. */
export function isBlank(line: string): boolean {
  return line.startsWith("#") || line.trim() === "";
}

/** The user name of a line; null: it has no colon. */
export function usernameOf(line: string): string | null {
  const colon = line.indexOf(":");
  return colon < 0 ? null : line.slice(0, colon);
}

function readLine(
  line: string,
  before: ReadonlyMap<string, Account>,
): { readonly username: string; readonly account: Account } | string {
  const username = usernameOf(line);
  if (username === null) return "has no colon (its form is user:hash)";
  const wrong = wrongUsername(username);
  if (wrong !== null) return `has ${wrong}`;
  const written = line.slice(username.length + 1).trimEnd();
  const known = before.get(username);
  if (known?.written === written) return { username, account: known };
  if (written === "") return `${name(username)} has no password; set one with mqttd passwd`;
  const hash = readHash(written);
  if (typeof hash === "string") return `${name(username)} ${hash}; set it anew with mqttd passwd`;
  return { username, account: { written, hash } };
}

/** Why no line can have this user name, after `has`; null: it can. */
export function wrongUsername(username: string): string | null {
  if (username === "") return "an empty user name";
  if (username.length > usernameMax) return `a user name of more than ${usernameMax} characters`;
  if (username.includes("\uFFFD")) return "a user name that is not UTF-8";
  if (/[:\r\n\0]/.test(username)) return "a user name with a colon, a line end or a NUL";
  return null;
}

function problem(at: string, text: string): { readonly problems: readonly Problem[] } {
  return { problems: [{ at, text }] };
}
