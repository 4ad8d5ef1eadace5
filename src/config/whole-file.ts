import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { errorCode, systemErrorText } from "../log/system-error.ts";
import { CliError } from "./cli-error.ts";
import { isReplaceable } from "./file.ts";
import { bare, shellWord } from "./problem.ts";

/** How to keep a file that others depend on. */
export interface Kept {
  /** Permissions. */
  readonly mode: number;
  /** Whose it stays; null: a new file. */
  readonly owner: { readonly uid: number; readonly gid: number } | null;
}

/** How long a change waits for others of the same file, and between two looks, milliseconds. */
const turnMs = 10_000;
const lookMs = 20;

/**
 * A file that appears whole or not at all: a draft beside it is renamed when it is complete. The
 * draft of a kept file is its lock as well, so that one process at a time reads it and writes it.
 */
export class WholeFile {
  readonly #path: string;
  /** Its name in errors: `the ready file a/b`. */
  readonly #name: string;
  readonly #draft: string;
  readonly #kept: Kept | null;
  #descriptor: number | null = null;

  /**
   * Opens the draft of a kept file once no other process has one: from now on the file is this
   * process's to read and write. `keptAs`: asked at each try. Throws CliError (exit code 2) as the
   * constructor does, and after 10 s.
   */
  static async inTurn(path: string, name: string, keptAs: () => Kept): Promise<WholeFile> {
    const until = performance.now() + turnMs;
    for (;;) {
      try {
        return new WholeFile(path, name, keptAs());
      } catch (error) {
        const isTaken = error instanceof CliError && errorCode(error.cause) === "EEXIST";
        if (!isTaken) throw error;
        if (performance.now() >= until) throw taken(name, `${path}.lock`);
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
    }
  }

  /**
   * Opens the draft. Throws CliError (exit code 2) if `path` can't be written, so call it before
   * the work whose result the file takes. `kept`: with these permissions, and on disk before
   * `write` returns.
   */
  constructor(path: string, name = path, kept: Kept | null = null) {
    this.#path = path;
    this.#kept = kept;
    this.#name = name;
    this.#draft = kept === null ? `${path}.${process.pid}.tmp` : `${path}.lock`;
    try {
      if (!isReplaceable(path)) throw new Error("it exists and is not a plain file");
      // In a container a killed process may have had the same process id.
      if (kept === null && isReplaceable(this.#draft)) rmSync(this.#draft, { force: true });
      this.#descriptor = openSync(this.#draft, "wx", kept === null ? 0o644 : 0o600);
      if (kept !== null) keep(this.#descriptor, kept);
    } catch (error) {
      // A draft of another process stays.
      if (this.#descriptor !== null) this.abandon();
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
      if (this.#kept !== null) fsyncSync(descriptor);
      this.#close();
      renameSync(this.#draft, this.#path);
      if (this.#kept !== null) syncFolder(path.dirname(this.#path));
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
    const unwritable = new CliError(`can't write ${this.#name}: ${systemErrorText(error)}`, {
      exitCode: 2,
      hint: "name a file in a folder that exists and is writable",
    });
    unwritable.cause = error;
    return unwritable;
  }
}

function taken(name: string, lock: string): CliError {
  return new CliError(`can't write ${name}: another process changes it (${bare(lock)} exists)`, {
    exitCode: 2,
    hint: `if that process was killed: rm ${shellWord(lock)}`,
  });
}

function keep(descriptor: number, { mode, owner }: Kept): void {
  if (process.platform === "win32") return;
  const isOurs =
    owner === null || (owner.uid === process.geteuid?.() && owner.gid === process.getegid?.());
  if (!isOurs) fchownSync(descriptor, owner.uid, owner.gid);
  // After the owner, whose change may clear bits.
  fchmodSync(descriptor, mode);
}

/** So that the new name survives a loss of power. Not every system can. */
function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    fsyncSync(descriptor);
    closeSync(descriptor);
  } catch {
    // The file itself is on disk, under one of its two names.
  }
}
