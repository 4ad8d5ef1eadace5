import { closeSync, fchmodSync, openSync, writeSync } from "node:fs";
import { CliError } from "../config/cli-error.ts";
import { systemErrorText } from "../log/system-error.ts";

/**
 * The secrets of TLS connections, one a line, by which Wireshark decrypts a capture (the format of
 * SSLKEYLOGFILE). Only its owner may read it.
 */
export class KeyLog {
  readonly #descriptor: number;

  /** Appends to the file. Throws CliError (exit code 2) if it can't be written. */
  constructor(path: string) {
    try {
      this.#descriptor = openSync(path, "a", 0o600);
      fchmodSync(this.#descriptor, 0o600);
    } catch (error) {
      throw new CliError(`can't write the key log ${path}: ${systemErrorText(error)}`, {
        exitCode: 2,
        hint: "name a file in a folder that exists and is writable",
      });
    }
  }

  write(line: Uint8Array): void {
    writeSync(this.#descriptor, line);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
