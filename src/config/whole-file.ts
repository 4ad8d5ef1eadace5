import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { systemErrorText } from "../log/system-error.ts";
import { CliError } from "./cli-error.ts";
import { isReplaceable } from "./file.ts";

/** A file that appears whole, or not at all: it is written beside its place, and put there at the end. */
export class WholeFile {
  readonly #path: string;
  /** How errors name it: `the ready file a/b`. */
  readonly #name: string;
  readonly #draft: string;
  #descriptor: number | null = null;

  /**
   * Throws CliError (exit code 2) when nothing can be written there, so that nobody waits in vain; to be
   * called before there is something to write.
   */
  constructor(path: string, name = path) {
    this.#path = path;
    this.#name = name;
    this.#draft = `${path}.${process.pid}.tmp`;
    try {
      if (!isReplaceable(path)) throw new Error("what has that name is no plain file");
      // In a container a process that was killed had the number that this one has.
      if (isReplaceable(this.#draft)) rmSync(this.#draft, { force: true });
      this.#descriptor = openSync(this.#draft, "wx", 0o644);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /** Once. Throws CliError (exit code 2) when the file can't take its place; nothing is left behind then. */
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

  /** Nothing is left behind of what was not written. */
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
      hint: "name a file in a folder that exists and that you may write to",
    });
  }
}
