import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { systemErrorText } from "../log/system-error.ts";
import { CliError } from "./cli-error.ts";
import { isReplaceable } from "./file.ts";

/** A file that appears whole or not at all: a draft beside it is renamed when it is complete. */
export class WholeFile {
  readonly #path: string;
  /** Its name in errors: `the ready file a/b`. */
  readonly #name: string;
  readonly #draft: string;
  #descriptor: number | null = null;

  /**
   * Opens the draft. Throws CliError (exit code 2) if `path` can't be written, so call it before
   * the work whose result the file takes.
   */
  constructor(path: string, name = path) {
    this.#path = path;
    this.#name = name;
    this.#draft = `${path}.${process.pid}.tmp`;
    try {
      if (!isReplaceable(path)) throw new Error("it exists and is not a plain file");
      // In a container a killed process may have had the same process id.
      if (isReplaceable(this.#draft)) rmSync(this.#draft, { force: true });
      this.#descriptor = openSync(this.#draft, "wx", 0o644);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /**
   * Call once. Throws CliError (exit code 2) if the file can't be put in place; removes the draft
   * then.
   */
  write(text: string): void {
    try {
      const bytes = Buffer.from(text);
      const descriptor = this.#descriptor ?? -1;
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      this.#close();
      renameSync(this.#draft, this.#path);
    } catch (error) {
      this.abandon();
      throw this.#unwritable(error);
    }
  }

  /** Removes the draft, if any. */
  abandon(): void {
    this.#close();
    rmSync(this.#draft, { force: true });
  }

  #close(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = null;
    if (descriptor !== null) closeSync(descriptor);
  }

  #unwritable(error: unknown): CliError {
    return new CliError(`can't write ${this.#name}: ${systemErrorText(error)}`, {
      exitCode: 2,
      hint: "name a file in a folder that exists and is writable",
    });
  }
}
