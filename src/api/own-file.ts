import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Why a file is rejected: a clause to follow its name, `is not a regular file`. */
export class OwnFileError extends Error {
  override name = "OwnFileError";
  /** How to fix it; null: no simple fix. */
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}

export interface OwnFileRules {
  /** Maximum size, bytes. */
  readonly maxBytes: number;
  /** Reject it if other users can read it. */
  readonly isSecret: boolean;
  /** The program chose its name, so a symbolic link of that name is not ours. */
  readonly isNamedByUs: boolean;
}

/**
 * Reads a small file owned by this user, as UTF-8. Checks the open descriptor, so that the checked
 * file is the one read. Opens without blocking: a named pipe would block for ever. A file owned by
 * root is accepted, since root can write to any. Throws OwnFileError, or the system's error.
 */
export function readOwnFile(path: string, rules: OwnFileRules): string {
  // Windows has neither flag: 0 there.
  const { O_NONBLOCK = 0, O_NOFOLLOW = 0 } = constants as Partial<typeof constants>;
  const flags = constants.O_RDONLY | O_NONBLOCK | (rules.isNamedByUs ? O_NOFOLLOW : 0);
  const descriptor = openSync(path, flags);
  try {
    const found = fstatSync(descriptor);
    const error = errorOf(found, path, rules);
    if (error !== null) throw error;
    const bytes = new Uint8Array(rules.maxBytes + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
      read = readSync(descriptor, bytes, filled, bytes.length - filled, null);
    }
    // The file may have grown since fstat.
    if (filled > rules.maxBytes) throw tooLarge(rules);
    return new TextDecoder().decode(bytes.subarray(0, filled));
  } finally {
    closeSync(descriptor);
  }
}

interface Found {
  readonly uid: number;
  readonly mode: number;
  readonly size: number;
  isFile(): boolean;
}

function errorOf(found: Found, path: string, rules: OwnFileRules): OwnFileError | null {
  if (!found.isFile()) return new OwnFileError("is not a regular file");
  if (!isOwn(found) && found.uid !== 0) return new OwnFileError("belongs to another user");
  const isOpen = process.platform !== "win32" && (found.mode & 0o077) !== 0;
  if (rules.isSecret && isOpen) {
    return new OwnFileError("is readable by other users", `chmod 600 ${path}`);
  }
  return found.size > rules.maxBytes ? tooLarge(rules) : null;
}

function tooLarge({ maxBytes }: OwnFileRules): OwnFileError {
  return new OwnFileError(`is larger than ${maxBytes} bytes`);
}

/**
 * Whether this process's user owns a file or folder; always true on Windows, which has no user id.
 */
export function isOwn({ uid }: { readonly uid: number }): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

/** A token file: a token and its line end, with room for white space around them. */
export const tokenRules: OwnFileRules = { maxBytes: 4096, isSecret: true, isNamedByUs: false };
