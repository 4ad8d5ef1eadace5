import { readFileSync } from "node:fs";
import { usageError } from "../config/cli-error.ts";
import { shellWord } from "../config/problem.ts";
import { WholeFile } from "../config/whole-file.ts";
import { errorCode, systemErrorText } from "../log/system-error.ts";

export interface NewFile {
  readonly file: string;
  readonly text: string;
  /** Whether a file with this very text may be there. */
  readonly isSameAllowed?: boolean;
}

/**
 * Writes all files or none. Throws CliError (exit code 2) for one that is there, unless `force`, and
 * for one that can't be written. `who`: begins its message.
 */
export function writeFiles(who: string, files: readonly NewFile[], force: boolean): void {
  const wanted = files.filter(({ file, text, isSameAllowed = false }) => {
    const there = contentOf(who, file);
    if (there === null || (isSameAllowed && there === text)) return there === null;
    if (force) return true;
    throw usageError(`${who}: ${shellWord(file)} exists`, "--force overwrites it");
  });
  const drafts: { readonly draft: WholeFile; readonly text: string }[] = [];
  try {
    for (const { file, text } of wanted) drafts.push({ draft: new WholeFile(file), text });
    for (const { draft, text } of drafts) draft.write(text);
  } catch (error) {
    for (const { draft } of drafts) draft.abandon();
    throw error;
  }
}

/** Null: there is no such file. */
function contentOf(who: string, file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw usageError(`${who}: can't write ${shellWord(file)}: ${systemErrorText(error)}`);
  }
}
