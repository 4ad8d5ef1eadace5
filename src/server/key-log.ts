import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  openSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { CliError } from "../config/cli-error.ts";
import { errorCode, systemErrorText } from "../log/system-error.ts";

/**
 * The secrets of TLS connections, one a line, by which Wireshark decrypts a capture (the format of
 * SSLKEYLOGFILE). Only its owner may read it.
 */
export class KeyLog {
  /** Null: it can't be written any more. */
  #descriptor: number | null;
  readonly #onFailure: (text: string) => void;
  readonly #path: string;

  /**
   * Appends to the file. Throws CliError (exit code 2) if it can't be written. `onFailure`: called
   * once with a line of text if a later write fails, as on a full disk; the log ends then.
   */
  constructor(file: string, onFailure: (text: string) => void) {
    this.#path = file;
    this.#onFailure = onFailure;
    try {
      this.#descriptor = opened(file, constants.O_CREAT);
    } catch (error) {
      throw unwritable(file, error);
    }
    fchmodSync(this.#descriptor, 0o600);
  }

  write(line: Uint8Array): void {
    if (this.#descriptor === null) return;
    try {
      writeSync(this.#descriptor, line);
    } catch (error) {
      closeSync(this.#descriptor);
      this.#descriptor = null;
      this.#onFailure(`the key log ${this.#path} ends: ${systemErrorText(error)}`);
    }
  }
}

/** Throws as a KeyLog of that file would, and creates nothing. */
export function checkKeyLog(file: string): void {
  try {
    closeSync(opened(file, 0));
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw unwritable(file, error);
    try {
      accessSync(path.dirname(file), constants.W_OK);
    } catch (cause) {
      throw unwritable(file, cause);
    }
  }
}

/** A pipe would hold up the broker, and a device has permissions that are not ours to change. */
function opened(file: string, create: number): number {
  const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
  const flags = constants.O_WRONLY | constants.O_APPEND | O_NONBLOCK | create;
  let descriptor: number;
  try {
    descriptor = openSync(file, flags, 0o600);
  } catch (error) {
    // A pipe that nobody reads.
    throw errorCode(error) === "ENXIO" ? new Error(notPlain) : error;
  }
  if (fstatSync(descriptor).isFile()) return descriptor;
  closeSync(descriptor);
  throw new Error(notPlain);
}

const notPlain = "it exists and is not a plain file";

function unwritable(file: string, error: unknown): CliError {
  return new CliError(`can't write the key log ${file}: ${systemErrorText(error)}`, {
    exitCode: 2,
    hint: "name a file in a folder that exists and is writable",
  });
}
