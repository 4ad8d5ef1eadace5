import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { nearest } from "../../config/nearest.ts";
import { bare, type Problem, quoted } from "../../config/problem.ts";
import { AccessList, everybody } from "../../core/access-list.ts";
import type { Grant } from "../../core/rule-tree.ts";
import { systemErrorText } from "../../log/system-error.ts";
import { filterFlaw } from "../../wire/filter.ts";
import { oddKindOf, type Oddity } from "./access-oddities.ts";

/** Bytes. Several 100,000 lines: read in one go, and parsed in pieces. */
export const accessFileMax = 16 * 1024 * 1024;
/** Problems kept of one file; the rest is counted. */
const problemsKept = 1000;

/** A file as it was read, before its lines are. */
export interface AccessText {
  readonly path: string;
  readonly text: string;
}

/** A valid file. */
export interface AccessFileContent {
  readonly list: AccessList;
  readonly oddities: readonly Oddity[];
  /** The users that it names, each with its first `user` line. */
  readonly users: ReadonlyMap<string, number>;
}

export type AccessFileParsed = AccessFileContent | { readonly problems: readonly Problem[] };

/** Reads a file; never throws for what it finds there. */
export function readAccessFile(
  path: string,
): AccessText | { readonly problems: readonly Problem[] } {
  try {
    return { path, text: new TextDecoder("utf-8").decode(bytesOf(path)) };
  } catch (error) {
    const why = error instanceof Unfit ? error.message : systemErrorText(error);
    return { problems: [{ at: bare(path), text: `can't read the access list: ${why}` }] };
  }
}

class Unfit extends Error {}

/** Checks the open descriptor, so that the checked file is the one read; a pipe never blocks it. */
function bytesOf(path: string): Uint8Array {
  const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  const descriptor = openSync(path, constants.O_RDONLY | O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw new Unfit("it is not a regular file");
    const bytes = new Uint8Array(Math.min(found.size, accessFileMax) + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
      read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    }
    if (filled > accessFileMax) throw new Unfit(`it is larger than ${accessFileMax} B`);
    return bytes.subarray(0, filled);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Parses a file in mosquitto's format: `user NAME`, `topic [read|write|readwrite|deny] FILTER` for
 * that user (before the first one: for clients without a user name), `pattern ... FILTER` for all,
 * with %c and %u, and lines that begin with #. Yields after each line. Reports every problem.
 */
export function* parseAccessFile({
  path,
  text,
}: AccessText): Generator<null, AccessFileParsed, void> {
  const list = new AccessList(path);
  const oddities: Oddity[] = [];
  const users = new Map<string, number>();
  const problems: Problem[] = [];
  let more = 0;
  let user: string | null = null;
  let number = 0;
  for (const raw of linesOf(text)) {
    yield null;
    number += 1;
    const line = trimmed(raw);
    if (line === "" || line.startsWith("#")) continue;
    const read = readLine(line);
    if (typeof read === "string") {
      if (problems.length < problemsKept)
        problems.push({ at: `${bare(path)}:${number}`, text: read });
      else more += 1;
    } else if ("username" in read) {
      user = read.username;
      if (!users.has(user)) users.set(user, number);
    } else {
      const { isPattern, grant, filter } = read;
      const whose = isPattern ? everybody : user;
      list.add({ line: number, text: line, grant, filter, user: whose });
      const kind = oddKindOf(isPattern, read.hasGrant, filter);
      if (kind !== null) oddities.push({ line: number, text: line, kind, user: whose });
    }
  }
  if (problems.length === 0) return { list, oddities, users };
  if (more > 0) problems.push({ at: bare(path), text: `${more} more lines are invalid` });
  return { problems };
}

/** Lines without their ends; a byte order mark is no part of the first. */
function* linesOf(text: string): Generator<string, void, void> {
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  while (start < text.length) {
    const end = text.indexOf("\n", start);
    yield end < 0 ? text.slice(start) : text.slice(start, end);
    start = end < 0 ? text.length : end + 1;
  }
}

/** Blanks as mosquitto has them, and carriage returns. */
function trimmed(line: string): string {
  return line.replace(/^[ \t]+|[ \t\r\v\f]+$/g, "");
}

type Line =
  | { readonly username: string }
  | {
      readonly isPattern: boolean;
      readonly grant: Grant;
      /** It says so; else it is `readwrite`. */
      readonly hasGrant: boolean;
      readonly filter: string;
    };

const grants: ReadonlySet<string> = new Set<Grant>(["read", "write", "readwrite", "deny"]);

/** What a line says; a text: what is wrong with it. */
function readLine(line: string): Line | string {
  if (line.includes("\0")) return "has a U+0000";
  if (line.includes("\uFFFD")) return "has bytes that are not UTF-8";
  const [word, rest] = firstWord(line);
  if (word === "user") {
    return rest === "" ? "user: the name is missing" : { username: rest };
  }
  if (word !== "topic" && word !== "pattern") {
    const meant = nearest(word, ["user", "topic", "pattern"]);
    const hint = meant === null ? "" : `, did you mean ${meant}?`;
    return `found ${quoted(word)}, allowed: user, topic, pattern or a comment (#)${hint}`;
  }
  if (rest === "") return `${word}: the topic is missing`;
  const [first, second] = firstWord(rest);
  // A single word is the topic, as in mosquitto, even if it is the word `read`.
  const hasGrant = second !== "";
  const [access, filter] = hasGrant ? [first, second] : ["readwrite", first];
  if (!isGrant(access)) {
    const meant = nearest(access, [...grants]);
    const hint = meant === null ? "" : `, did you mean ${meant}?`;
    return `found ${quoted(access)}, allowed: read, write, readwrite or deny, before the topic${hint}`;
  }
  // Most lines have no wildcard, and a file may have 100,000 of them.
  const flaw = isPlain(filter) ? null : filterFlaw(filter);
  if (flaw !== null) return `the topic ${quoted(filter)} is no filter: ${flaw}`;
  return { isPattern: word === "pattern", grant: access, hasGrant, filter };
}

/** A topic without wildcards, of a length that no encoding makes too long. */
function isPlain(filter: string): boolean {
  return filter.length <= 10_000 && !filter.startsWith("$share/") && !/[+#]/.test(filter);
}

function isGrant(word: string): word is Grant {
  return grants.has(word);
}

/** The first word, and what follows it without the blanks between. */
function firstWord(text: string): readonly [string, string] {
  const end = text.search(/[ \t]/);
  return end < 0 ? [text, ""] : [text.slice(0, end), text.slice(end).replace(/^[ \t]+/, "")];
}
