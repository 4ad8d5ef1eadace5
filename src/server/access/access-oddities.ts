import { nearest } from "../../config/nearest.ts";
import type { everybody } from "../../core/access-list.ts";
import { name, singleQuoted } from "../../log/foreign.ts";

/** A line that is valid, in mosquitto too, but hardly says what its author meant. */
export interface Oddity {
  /** From 1. */
  readonly line: number;
  /** As in the file: `topic read`. */
  readonly text: string;
  readonly kind: OddKind;
  /** Whose line it is, as in AccessLine. */
  readonly user: string | null | typeof everybody;
}

/**
 * wordAlone: a word that grants something stands where the topic should; placeholderInTopic: %c or %u
 * in a `topic` line; unknownPlaceholder: %d in a pattern; sameForAll: a pattern without a placeholder.
 */
export type OddKind = "wordAlone" | "placeholderInTopic" | "unknownPlaceholder" | "sameForAll";

/** What each kind does, after the line. */
const meanings: Readonly<Record<OddKind, string>> = {
  wordAlone: "allows to read and write a topic of that name: the topic after it is missing",
  placeholderInTopic: "takes %c and %u for themselves: only pattern lines fill them in",
  unknownPlaceholder: "has a placeholder that is none: %c is the client id, %u the user name",
  sameForAll: "is for every client: it has neither %c nor %u",
};

const words: ReadonlySet<string> = new Set(["read", "write", "readwrite", "deny"]);

/** What is odd about a valid line; null: nothing. `hasGrant`: a word stands before the topic. */
export function oddKindOf(isPattern: boolean, hasGrant: boolean, filter: string): OddKind | null {
  if (!hasGrant && words.has(filter)) return "wordAlone";
  if (!isPattern) return /%[cu]/.test(filter) ? "placeholderInTopic" : null;
  if (/%(?![cu])[A-Za-z]/.test(filter)) return "unknownPlaceholder";
  return /%[cu]/.test(filter) ? null : "sameForAll";
}

/** Further lines of one kind that a warning names. */
const linesNamed = 5;

/** One warning for each kind: its first line, and the numbers of others. */
export function oddityWarnings(file: string, oddities: readonly Oddity[]): string[] {
  return [...Map.groupBy(oddities, ({ kind }) => kind)].flatMap(([kind, [first, ...others]]) => {
    if (first === undefined) return [];
    const named = others.slice(0, linesNamed).map(({ line }) => String(line));
    const more = others.length - named.length;
    const all = more > 0 ? [...named, `${more} more`] : named;
    const also =
      all.length === 0 ? "" : ` (also line${all.length > 1 ? "s" : ""} ${all.join(", ")})`;
    const line = `${name(file)}:${first.line} ${singleQuoted(first.text)}`;
    return [`${line} ${meanings[kind]}${also}`];
  });
}

/** The user names of a password file. */
export interface Usernames {
  has: (username: string) => boolean;
  keys: () => Iterable<string>;
}

/** A user of an access list that has no account, so that nobody can be that user. */
export interface Stranger {
  readonly username: string;
  /** Of its first `user` line. */
  readonly line: number;
  /** An account with a similar name; null: there is none. */
  readonly meant: string | null;
}

/** Strangers named of one file. */
const strangersNamed = 10;

/** Those of `users`, by their lines, that none of the password files has. */
export function strangersAmong(
  users: ReadonlyMap<string, number>,
  accounts: readonly Usernames[],
): { readonly named: readonly Stranger[]; readonly more: number } {
  const missing = [...users].filter(([username]) => !accounts.some((some) => some.has(username)));
  const named = missing.slice(0, strangersNamed).map(([username, line]): Stranger => {
    // An account that the list names too is not the one that was meant.
    const others = accounts.flatMap((some) => [...some.keys()]).filter((one) => !users.has(one));
    return { username, line, meant: nearest(username, others) };
  });
  return { named, more: missing.length - named.length };
}

/** `passwordFiles`: those that have no such account. */
export function strangerWarning(
  file: string,
  { username, line, meant }: Stranger,
  passwordFiles: readonly string[],
): string {
  const who = `${name(file)}:${line} ${singleQuoted(`user ${username}`)}`;
  const hint = meant === null ? "" : `, did you mean ${name(meant)}?`;
  return `${who} has no account in ${passwordFiles.map(name).join(" or ")}${hint}`;
}
