import { usageError } from "../../config/cli-error.ts";
import { type Problem, problemLines } from "../../config/problem.ts";
import type { ListenerSettings } from "../../config/settings.ts";
import type { Access } from "../../core/access.ts";
import type { AccessList } from "../../core/access-list.ts";
import { name } from "../../log/foreign.ts";
import {
  type AccessFileParsed,
  type AccessText,
  parseAccessFile,
  readAccessFile,
} from "./access-file.ts";

/** A file in force, or read for it. */
interface AccessFile {
  readonly text: string;
  readonly list: AccessList;
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

  /**
   * Reads the listeners' files. `pause` gives the event loop back between pieces of a long file.
   * Changes nothing yet.
   */
  async read(
    listeners: readonly ListenerSettings[],
    pause: () => Promise<void>,
  ): Promise<AccessFilesRead | { readonly problems: readonly Problem[] }> {
    const files = new Map<string, AccessFile>();
    const problems: Problem[] = [];
    for (const path of new Set(listeners.map(({ aclFile }) => aclFile))) {
      if (path === null) continue;
      const file = await this.#readOne(path, pause);
      if ("problems" in file) problems.push(...file.problems);
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
    const apply = (): void => void (this.#files = files);
    return { byListener, changed, warnings: unchecked(listeners, files), apply };
  }

  async #readOne(
    path: string,
    pause: () => Promise<void>,
  ): Promise<AccessFile | { readonly problems: readonly Problem[] }> {
    const text = readAccessFile(path);
    if ("problems" in text) return text;
    const known = this.#files.get(path);
    if (known?.text === text.text) return known;
    const list = await parsed(text, pause);
    return "problems" in list ? list : { text: text.text, list };
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
): Promise<AccessFilesRead> {
  const read = await files.read(listeners, () => Promise.resolve());
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
  return listeners.flatMap(({ aclFile, passwordFile, port, tls }, place) => {
    if (aclFile === null || passwordFile !== null || tls?.identityAsUsername === true) return [];
    if (files.get(aclFile)?.list.namesUsers !== true) return [];
    return [
      `listeners.${place} (port ${port}): ${name(aclFile)} has lines for user names, which any client ` +
        `may claim, since no password file checks them; create one: mqttd passwd FILE USER`,
    ];
  });
}
