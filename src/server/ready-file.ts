import { rmSync } from "node:fs";
import { WholeFile } from "../config/whole-file.ts";

/**
 * Signals to scripts that the broker accepts connections: one URL per line, in the order of the
 * listeners. The file appears whole or not at all; an orderly stop removes it.
 */
export class ReadyFile {
  readonly #path: string;
  readonly #file: WholeFile;

  /** Create it before listening. Throws CliError (exit code 2) if the path is not writable. */
  constructor(path: string) {
    this.#path = path;
    this.#file = new WholeFile(path, `the ready file ${path}`);
  }

  /** Throws CliError (exit code 2) if the file can't be put in place. */
  publish(urls: readonly string[]): void {
    this.#file.write(urls.map((url) => `${url}\n`).join(""));
  }

  /** Call if the broker fails to start: leaves nothing behind. */
  abandon(): void {
    this.#file.abandon();
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
