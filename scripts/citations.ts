import { Glob } from "bun";
import path from "node:path";
import type { Evidence } from "../src/standard/statement.ts";
import { isStatement, ledger } from "../src/standard/statements.ts";
import { catalogue } from "../tests/conformance/catalogue.ts";

/** A statement's id at a line of a source. */
interface Citation {
  readonly id: string;
  /** Where it begins in the text. */
  readonly at: number;
}

/** Rooms that obey statements; the others tell about them. */
const obeying = "src/{core,wire,transport,websocket,client,server,config}/**/*.ts";
/** Of the core: what is remembered, asked, planted or reported obeys nothing. */
const telling = /^src\/core\/(?:(?:records|queries|quirks)\/|(?:events|io|reason)\.ts$)/;
const checks = "tests/conformance/checks";

/** Where each statement is obeyed and checked, of those that are, in the ledger's order. */
export async function evidenceIn(root: string): Promise<Record<string, Evidence>> {
  const obeyed = await obeyedIn(root);
  const tests = await testsIn(root);
  const found: Record<string, Evidence> = {};
  for (const id of [...obeyed.keys(), ...tests.keys()]) {
    if (!isStatement(id)) throw new Error(`no statement has the id ${id}`);
  }
  for (const id of Object.keys(ledger)) {
    const evidence = { obeyed: [...(obeyed.get(id) ?? [])], tests: [...(tests.get(id) ?? [])] };
    if (evidence.obeyed.length + evidence.tests.length > 0) found[id] = evidence;
  }
  return found;
}

async function obeyedIn(root: string): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  for (const [file, text] of await filesOf(root, obeying)) {
    if (telling.test(file)) continue;
    for (const { id, at } of citationsIn(text)) add(found, id, `${file} ${nounAt(text, at)}`);
  }
  return found;
}

async function testsIn(root: string): Promise<Map<string, Set<string>>> {
  const files = await filesOf(root, `${checks}/*.ts`);
  const found = new Map<string, Set<string>>();
  for (const { name, checks } of catalogue) {
    const own = files.filter(([, text]) => text.includes(`\n  name: ${JSON.stringify(name)},\n`));
    const [file] = own.map(([file]) => file);
    if (file === undefined || own.length > 1) throw new Error(`no one file has the group ${name}`);
    for (const { statements, title } of checks) {
      for (const id of statements) add(found, id, `${file} ${title}`);
    }
  }
  return found;
}

/** By their names from the root, with slashes. */
async function filesOf(root: string, pattern: string): Promise<(readonly [string, string])[]> {
  const names = (await Array.fromAsync(new Glob(pattern).scan(root))).sort();
  return Promise.all(
    names.map(async (name) => {
      const text = await Bun.file(path.join(root, name)).text();
      return [name.replaceAll("\\", "/"), text] as const;
    }),
  );
}

function add(sets: Map<string, Set<string>>, id: string, text: string): void {
  sets.set(id, (sets.get(id) ?? new Set()).add(text));
}

const number = String.raw`\d+\.\d+(?:\.\d+)*-\d+`;
/** A space, which may be a line's end inside a comment. */
const blank = String.raw`\s+(?:\* )?`;
/** Whole ids; more numbers of the same section may follow: `[v5-3.3.2-15], -16 and -18`, `-9 to -11`. */
const whole = new RegExp(
  String.raw`\bv([45])-(${number})\b((?:\]?(?:,|,?${blank}and|${blank}to)${blank}-\d+\b)*)`,
  "g",
);
/** As an argument of a violation: one for each version; empty: none there. */
const pair = new RegExp(String.raw`"(${number}|)",\s*"(${number}|)"`, "g");
/** For both versions, behind a version that is computed. */
const computed = new RegExp(String.raw`\}-(${number})\b`, "g");
/** In a table with a column for each version. */
const keyed = new RegExp(String.raw`\bv([45]): "(${number})"`, "g");
/** Alone: what only 5.0 has. */
const alone = new RegExp(String.raw`"(${number})"`, "g");

/** Every citation in a source, by whichever of the ways in which the code writes them. */
export function citationsIn(text: string): Citation[] {
  const found: Citation[] = [];
  let rest = text;
  const take = (form: RegExp, idsOf: (parts: readonly string[]) => readonly string[]): void => {
    rest = rest.replace(form, (all, ...parts) => {
      // Behind the groups stand the place and the whole text.
      const at = Number(parts.at(-2));
      for (const id of idsOf(parts.map(String))) found.push({ id, at });
      return all.replace(/[^\n]/g, " ");
    });
  };
  take(whole, ([version, first = "", more = ""]) =>
    rangeOf(first, more).map((id) => `v${version}-${id}`),
  );
  take(keyed, ([version, id]) => [`v${version}-${id}`]);
  take(pair, ([v4, v5]) => [
    ...(v4 === "" ? [] : [`v4-${v4}`]),
    ...(v5 === "" ? [] : [`v5-${v5}`]),
  ]);
  take(computed, ([id]) => [`v4-${id}`, `v5-${id}`]);
  take(alone, ([id]) => [`v5-${id}`]);
  return found.sort((a, b) => a.at - b.at);
}

/** `3.3.1-9` and ` to -11`: 9, 10 and 11 of section 3.3.1. */
function rangeOf(first: string, more: string): string[] {
  const [section = "", start = ""] = first.split("-");
  const numbers = [Number(start)];
  for (const [, word = "", next = ""] of more.matchAll(/(and|,|to)\s+(?:\* )?-(\d+)/g)) {
    const last = numbers.at(-1) ?? 0;
    const to = Number(next);
    if (word === "to") for (let n = last + 1; n < to; n++) numbers.push(n);
    numbers.push(to);
  }
  return numbers.map((n) => `${section}-${n}`);
}

const declaration =
  /^(?:export )?(?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/;
const member =
  /^ {2}(?:(?:static|async|readonly|get|set|abstract|override) )*\*?(#?[a-zA-Z]\w*)\??(?:<[^>]*>)?[(:=]|^ {2}(?:readonly )?(#?[a-zA-Z]\w*)\??: /;
const comment = /^\s*(?:\/\*\*|\*|\/\/)/;

/** What is declared at a place: `pump`, or `Retained.set` in a class. */
export function nounAt(text: string, at: number): string {
  const lines = text.split("\n");
  const line = text.slice(0, at).split("\n").length - 1;
  // A docstring is about what follows it.
  let from = line;
  if (/^ {0,3}(?:\/\*\*|\*|\/\/)/.test(lines[line] ?? "")) {
    while (comment.test(lines[from] ?? "")) from++;
  }
  let own: string | null = null;
  for (let index = from; index >= 0; index--) {
    const text = lines[index] ?? "";
    const top = declaration.exec(text)?.[1];
    if (top !== undefined) {
      const isFamily = /^(?:export )?(?:abstract )?(?:class|interface) /.test(text);
      return own !== null && isFamily && index !== from ? `${top}.${own}` : top;
    }
    // Back out of another declaration: the line stands before the next one.
    own ??= memberIn(text);
  }
  return own ?? "the file";
}

function memberIn(line: string): string | null {
  const found = member.exec(line);
  const name = found?.[1] ?? found?.[2] ?? null;
  return name === null || /^(?:if|for|while|switch|return|case|const|let)$/.test(name)
    ? null
    : name;
}
