import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Why a file is not to be used: a clause behind its name, such as `is no plain file`. */
export class OwnFileError extends Error {
  override name = "OwnFileError";
  /** What mends it; null: nothing simple does. */
  readonly hint: string | null;

  constructor(message: string, hint: string | null = null) {
    super(message);
    this.hint = hint;
  }
}

export interface OwnFileRules {
  /** Bytes that it has at most. */
  readonly maxBytes: number;
  /** Nobody else may read it. */
  readonly isSecret: boolean;
  /** Where its name is ours: a symbolic link of that name is none of ours. */
  readonly isNamedByUs: boolean;
}

/**
 * Reads a small file of this user's own, as UTF-8. It is looked at by its descriptor, so that what is
 * read is what was looked at, and opened without waiting: a named pipe would keep us for ever. One that
 * belongs to root is as good, since root can write to any. Throws OwnFileError, or the system's error.
 */
export function readOwnFile(path: string, rules: OwnFileRules): string {
  // Windows knows neither flag: 0 there.
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
    // It may have grown since.
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
  if (!found.isFile()) return new OwnFileError("is no plain file");
  if (!isOwn(found) && found.uid !== 0) return new OwnFileError("belongs to somebody else");
  const isOpen = process.platform !== "win32" && (found.mode & 0o077) !== 0;
  if (rules.isSecret && isOpen) {
    return new OwnFileError("can be read by others", `chmod 600 ${path}`);
  }
  return found.size > rules.maxBytes ? tooLarge(rules) : null;
}

function tooLarge({ maxBytes }: OwnFileRules): OwnFileError {
  return new OwnFileError(`is larger than ${maxBytes} bytes`);
}

/** Whether a file or a folder belongs to the user as whom this process runs; Windows has no number. */
export function isOwn({ uid }: { readonly uid: number }): boolean {
  return process.geteuid === undefined || uid === process.geteuid();
}

/** A token with its line end, and room for what people put around it. */
export const tokenRules: OwnFileRules = { maxBytes: 4096, isSecret: true, isNamedByUs: false };
