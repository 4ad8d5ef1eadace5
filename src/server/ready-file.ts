import { rmSync } from "node:fs";
import { WholeFile } from "../config/whole-file.ts";

/**
 * Tells scripts that the broker accepts connections: one URL a line, in the order of the listeners.
 * The file appears whole or not at all, and goes away at an orderly stop.
 */
export class ReadyFile {
  readonly #path: string;
  readonly #file: WholeFile;

  /** Throws CliError (exit code 2) when nothing can be written there; to be called before listening. */
  constructor(path: string) {
    this.#path = path;
    this.#file = new WholeFile(path, `the ready file ${path}`);
  }

  /** Throws CliError (exit code 2) when the file can't take its place. */
  publish(urls: readonly string[]): void {
    this.#file.write(urls.map((url) => `${url}\n`).join(""));
  }

  /** The broker did not come up: nothing is left behind. */
  abandon(): void {
    this.#file.abandon();
  }

  remove(): void {
    rmSync(this.#path, { force: true });
  }
}
