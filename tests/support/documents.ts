import { Glob } from "bun";
import { readFileSync } from "node:fs";
import path from "node:path";

const root = path.resolve(import.meta.dir, "../..");

/** Every document of the project, by path. */
export function documents(): Map<string, string> {
  const patterns = ["*.md", "docs/**/*.md", "tests/**/*.md"];
  const names = patterns.flatMap((pattern) => [...new Glob(pattern).scanSync({ cwd: root })]);
  return new Map(names.sort().map((name) => [name, readFileSync(path.join(root, name), "utf8")]));
}

export interface Fence {
  /** The language, `sh` or `jsonc`; empty: none named. */
  readonly language: string;
  /** Without the fences; each line ends with a line break. */
  readonly text: string;
}

/** The fenced blocks of a document, in order. */
export function fencesOf(document: string): Fence[] {
  return [...document.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = "", text = ""]) => ({ language, text }),
  );
}

/** The text in backquotes within lines, line breaks replaced by spaces. */
export function codeSpansOf(document: string): string[] {
  const prose = document.replace(/^```[\s\S]*?^```$/gm, "");
  return [...prose.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code.replaceAll("\n", " "));
}

/** The `mqttd` commands in the first column of a table. */
export function commandRowsOf(document: string): string[] {
  return [...document.matchAll(/^\| `(mqttd [^`|]*)`/gm)].map(([, command = ""]) => command);
}

/** The commands behind the prompt of a pasted session. */
export function consoleCommandsOf(document: string): string[] {
  return fencesOf(document).flatMap(({ language, text }) =>
    language === "" ? [...text.matchAll(/^\$ (.+)$/gm)].map(([, command = ""]) => command) : [],
  );
}
