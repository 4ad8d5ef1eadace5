import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { CliError } from "../config/cli-error.ts";
import { isReplaceable } from "../config/file.ts";
import { systemErrorText } from "../log/system-error.ts";

/** Where a report goes. It appears whole, or not at all. */
export class JunitFile {
  readonly #path: string;
  readonly #draft: string;
  readonly #descriptor: number;

  /** Throws CliError (exit code 2) when nothing can be written there, so that nobody waits in vain. */
  constructor(path: string) {
    this.#path = path;
    this.#draft = `${path}.${process.pid}.tmp`;
    try {
      if (!isReplaceable(path)) throw new Error("what has that name is no plain file");
      this.#descriptor = openSync(this.#draft, "wx", 0o644);
    } catch (fault) {
      throw unwritable(path, fault);
    }
  }

  /** Throws CliError (exit code 2). */
  write(text: string): void {
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at);
      closeSync(this.#descriptor);
      renameSync(this.#draft, this.#path);
    } catch (fault) {
      throw unwritable(this.#path, fault);
    }
  }

  /** Nothing is left behind of what was not written. */
  abandon(): void {
    rmSync(this.#draft, { force: true });
  }
}

function unwritable(path: string, fault: unknown): CliError {
  return new CliError(`can't write ${path}: ${systemErrorText(fault)}`, {
    exitCode: 2,
    hint: "name a file in a folder that exists and that you may write to",
  });
}
