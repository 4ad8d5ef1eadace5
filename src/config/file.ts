import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** A configuration is written by hand; what is larger is some other file. */
export const fileMax = 1024 * 1024;

/** What reading a file gave. The loader gets it from outside, so that it runs without a disk. */
export type FileRead =
  | { readonly type: "read"; readonly bytes: Uint8Array }
  | { readonly type: "missing" }
  | { readonly type: "folder" }
  | { readonly type: "too large" }
  | { readonly type: "unreadable"; readonly why: string };

export type ReadFile = (path: string) => FileRead;

/** Reads at most `fileMax` bytes, of a file or a pipe, whatever it says its size is. Never throws. */
export function readConfigFile(path: string): FileRead {
  let fd: number | null = null;
  try {
    fd = openSync(path, "r");
    if (fstatSync(fd).isDirectory()) return { type: "folder" };
    return readBounded(fd);
  } catch (error) {
    return failure(error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

function readBounded(fd: number): FileRead {
  const room = new Uint8Array(fileMax + 1);
  let filled = 0;
  while (filled < room.length) {
    const read = readSync(fd, room, filled, room.length - filled, null);
    if (read === 0) return { type: "read", bytes: room.slice(0, filled) };
    filled += read;
  }
  return { type: "too large" };
}

function failure(error: unknown): FileRead {
  const code = codeOf(error);
  // ENOTDIR: `a/b` where `a` is a file. There is no such file either way.
  if (code === "ENOENT" || code === "ENOTDIR") return { type: "missing" };
  if (code === "EISDIR") return { type: "folder" };
  return { type: "unreadable", why: reasons[code] ?? code };
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "too many symbolic links",
  ENAMETOOLONG: "its name is too long",
};

function codeOf(error: unknown): string {
  const coded = typeof error === "object" && error !== null && "code" in error;
  return coded && typeof error.code === "string" ? error.code : String(error);
}
