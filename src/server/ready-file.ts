import { closeSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { CliError } from "../config/cli-error.ts";
import { isReplaceable } from "../config/file.ts";
import { systemErrorText } from "../log/system-error.ts";

/**
 * Tells scripts that the broker accepts connections: one URL a line, in the order of the listeners.
 * The file appears whole or not at all, and goes away at an orderly stop.
 */
export class ReadyFile {
  readonly #path: string;
  readonly #draft: string;
  readonly #descriptor: number;

  /** Throws CliError (exit code 2) when nothing can be written there; to be called before listening. */
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

  /** Throws CliError (exit code 2) when the file can't take its place. */
  publish(urls: readonly string[]): void {
    try {
      writeSync(this.#descriptor, urls.map((url) => `${url}\n`).join(""));
      closeSync(this.#descriptor);
      renameSync(this.#draft, this.#path);
    } catch (fault) {
      rmSync(this.#draft, { force: true });
      throw unwritable(this.#path, fault);
    }
  }

  /** The broker did not come up: nothing is left behind. */
  abandon(): void {
    rmSync(this.#draft, { force: true });
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}

function unwritable(path: string, fault: unknown): CliError {
  return new CliError(`can't write the ready file ${path}: ${systemErrorText(fault)}`, {
    exitCode: 2,
    hint: "name a file in a folder that exists and that you may write to",
  });
}
