import {
  createScanner,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import type { FileRead } from "./file.ts";
import { type Problem, shown } from "./problem.ts";

/** A parsed JSONC file, not yet validated against the schema. */
export interface Document {
  /** The name that the operator gave it: `mqttd.json`. */
  readonly name: string;
  readonly root: Node;
  /** `mqttd.json:7:15`, both counted from 1. */
  at(node: Node): string;
  lineOf(node: Node): number;
}

/** Nested objects and lists. Checked before the parser runs, because the parser recurses. */
const depthMax = 32;

/** Syntax errors reported of one file: after a few, each follows from the one before. */
const syntaxErrorsMax = 5;

type ReadableFile = Exclude<FileRead, { readonly type: "missing" }>;

/** The file's tree, or the problems that prevent one. */
export function readDocument(name: string, file: ReadableFile): Document | readonly Problem[] {
  const text = textOf(file);
  if (typeof text !== "string") return [{ at: name, text: text.problem }];
  const lines = lineStarts(text);
  const at = (offset: number) => position(name, lines, offset);

  const deep = firstTooDeep(text);
  if (deep !== null) return [{ at: at(deep), text: `more than ${depthMax} levels deep` }];
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, { allowTrailingComma: true, allowEmptyContent: true });
  if (root?.type !== "object") {
    const [error] = errors;
    if (error !== undefined) return [notJson(at(Math.min(error.offset, root?.offset ?? Infinity)))];
    if (root === undefined) return [emptyFile(name)];
    const what = shown(root.type === "array" ? [] : root.value);
    return [{ at: at(root.offset), text: `found ${what}, allowed: an object, { ... }` }];
  }
  if (errors.length > 0) return syntaxProblems(errors, at);
  return {
    name,
    root,
    at: (node: Node) => at(node.offset),
    lineOf: (node: Node) => lineAndColumn(lines, node.offset).line,
  };
}

function textOf(file: ReadableFile): string | { problem: string } {
  if (file.type === "folder") return { problem: "is a folder, allowed: a file" };
  if (file.type === "too large")
    return { problem: "is larger than 1 MiB, too large for a configuration" };
  if (file.type === "unreadable") return { problem: `can't be read: ${file.why}` };
  const [first, second, third] = file.bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return { problem: "is UTF-16, allowed: UTF-8" };
  }
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return { problem: "starts with a byte order mark (BOM), allowed: UTF-8 without it" };
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(file.bytes);
  } catch {
    return { problem: "is not UTF-8 text" };
  }
}

function emptyFile(name: string): Problem {
  return { at: name, text: "is empty; the smallest configuration is {}" };
}

function notJson(at: string): Problem {
  return { at, text: "is not JSON: a configuration starts with {" };
}

/** One problem per line, because a missing comma causes several at one place. */
function syntaxProblems(errors: readonly ParseError[], at: (offset: number) => string): Problem[] {
  const problems: Problem[] = [];
  const linesSeen = new Set<string>();
  for (const error of errors) {
    const where = at(error.offset);
    const line = where.slice(0, where.lastIndexOf(":"));
    if (linesSeen.has(line)) continue;
    linesSeen.add(line);
    problems.push({ at: where, text: `not JSON: ${syntaxText(error)}` });
  }
  return problems.slice(0, syntaxErrorsMax);
}

const syntaxTexts: Readonly<Record<string, string>> = {
  InvalidSymbol: "this is neither a string in double quotes, a number, true, false nor null",
  InvalidNumberFormat: "this is not a number",
  PropertyNameExpected: "a key in double quotes is missing here",
  ValueExpected: "a value is missing here",
  ColonExpected: "a colon is missing before this",
  CommaExpected: "a comma is missing before this",
  CloseBraceExpected: "a closing } is missing here",
  CloseBracketExpected: "a closing ] is missing here",
  EndOfFileExpected: "nothing may follow the closing }",
  InvalidCommentToken: "comments are not allowed here",
  UnexpectedEndOfComment: "this comment does not end",
  UnexpectedEndOfString: "this string does not end",
  UnexpectedEndOfNumber: "this number does not end",
  InvalidUnicode: "a \\u needs four hexadecimal digits",
  InvalidEscapeCharacter: "this escape does not exist; write a backslash as \\\\",
  InvalidCharacter: "control characters must be escaped",
};

function syntaxText(error: ParseError): string {
  const name = printParseErrorCode(error.error);
  return syntaxTexts[name] ?? name;
}

/** Numbers, because the parser's `const enum` has no values at run time. */
const token = {
  open: 1,
  close: 2,
  openList: 3,
  closeList: 4,
  end: 17,
} as const;

function firstTooDeep(text: string): number | null {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (let kind: number = scanner.scan(); kind !== token.end; kind = scanner.scan()) {
    if (kind === token.open || kind === token.openList) depth++;
    if (kind === token.close || kind === token.closeList) depth--;
    if (depth > depthMax) return scanner.getTokenOffset();
  }
  return null;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (const end of text.matchAll(/\r\n|\n|\r/g)) starts.push(end.index + end[0].length);
  return starts;
}

function position(name: string, starts: readonly number[], offset: number): string {
  const { line, column } = lineAndColumn(starts, offset);
  return `${name}:${line}:${column}`;
}

function lineAndColumn(
  starts: readonly number[],
  offset: number,
): { line: number; column: number } {
  let low = 0;
  let high = starts.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
}
