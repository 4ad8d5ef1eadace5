import type { ReadFile } from "../file.ts";

/** One line of mosquitto's configuration that says something. */
export interface ConfLine {
  /** As the user named it; of an included file, its path. */
  readonly file: string;
  /** From 1 on. */
  readonly number: number;
  /** Without its end. */
  readonly text: string;
  /** Its first word. */
  readonly option: string;
  /** What follows the first word, without blanks around it. */
  readonly value: string;
}

/** What an import reads: files, and the names in a folder (null: there is no such folder). */
export interface ConfFolder {
  readonly readFile: ReadFile;
  readonly namesIn: (folder: string) => readonly string[] | null;
}

/** An `include_dir`, and what it found; null: the folder is not there. */
export interface Inclusion {
  readonly line: ConfLine;
  readonly files: readonly string[] | null;
}

export interface ConfRead {
  /** Those of included files stand where `include_dir` does. */
  readonly lines: readonly ConfLine[];
  readonly inclusions: ReadonlyMap<ConfLine, Inclusion>;
  /** Files that can't be read, one sentence each. */
  readonly problems: readonly string[];
}

/** Reads a file, and in place those that it includes. */
export function readConf(file: string, folder: ConfFolder): ConfRead {
  const lines: ConfLine[] = [];
  const inclusions = new Map<ConfLine, Inclusion>();
  const problems: string[] = [];
  const read = (name: string, isMain: boolean): void => {
    const text = textOf(name, folder.readFile);
    if (typeof text !== "string") return void problems.push(text.problem);
    for (const line of linesOf(name, text)) {
      lines.push(line);
      // mosquitto follows it in the main file only.
      if (line.option !== "include_dir" || line.value === "" || !isMain) continue;
      const files = includedIn(line.value, folder);
      inclusions.set(line, { line, files });
      for (const included of files ?? []) read(included, false);
    }
  };
  read(file, true);
  return { lines, inclusions, problems };
}

function includedIn(value: string, { namesIn }: ConfFolder): string[] | null {
  const names = namesIn(value);
  if (names === null) return null;
  const base = value.endsWith("/") ? value : `${value}/`;
  // In the order of the bytes, as in the C locale.
  const own = names.filter((name) => name.endsWith(".conf") && name.length > ".conf".length);
  return own
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((one) => base + one);
}

function textOf(name: string, readFile: ReadFile): string | { readonly problem: string } {
  const read = readFile(name, 0);
  switch (read.type) {
    case "read":
      return new TextDecoder("utf-8").decode(read.bytes);
    case "missing":
      return { problem: `${name}: no such file` };
    case "folder":
      return { problem: `${name}: is a folder, allowed: a file` };
    case "too large":
      return { problem: `${name}: is too large for a configuration` };
    case "unreadable":
      return { problem: `${name}: can't be read: ${read.why}` };
  }
}

/** Comments begin in the first column; only spaces end a word, and a CR belongs to the line's end. */
function linesOf(file: string, text: string): ConfLine[] {
  return text.split("\n").flatMap((raw, index) => {
    const line = raw.replace(/\r+$/, "");
    if (line.startsWith("#") || /^ *$/.test(line)) return [];
    const [, option = "", value = ""] = /^ *([^ ]+)(.*)$/s.exec(line) ?? [];
    return [{ file, number: index + 1, text: line, option, value: value.trim() }];
  });
}
