import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { errorCode } from "../log/system-error.ts";

/** Bytes. A configuration is written by hand; a larger file is something else. */
export const fileMax = 1024 * 1024;

/**
 * The result of reading a file. The loader gets the reader passed in, so that it runs without a
 * disk.
 */
export type FileRead =
  /** `mode`: its permissions; absent where a system has none. */
  | { readonly type: "read"; readonly bytes: Uint8Array; readonly mode?: number }
  | { readonly type: "missing" }
  | { readonly type: "folder" }
  /** More than `fileMax`; `beginning` is enough of it to recognise a known format. */
  | { readonly type: "too large"; readonly beginning: Uint8Array }
  | { readonly type: "unreadable"; readonly why: string };

/** `waitMs`: how long a pipe may take to end. */
export type ReadFile = (path: string, waitMs?: number) => FileRead;

/** Of a file that is too large. */
export const beginningBytes = 64;

/** A pipe may have to wait for a program that asks a person first: `-c <(decrypt mqttd.json)`. */
const pipeWaitMs = 30_000;
/** A writer may open a named pipe a moment after this reader; later than that, there is none. */
const writerWaitMs = 2000;
const retryMs = 10;

/**
 * Reads at most `fileMax` bytes from a file or a pipe, regardless of its stated size; from a pipe
 * for at most `waitMs` milliseconds. Never throws.
 */
export function readConfigFile(path: string, waitMs = pipeWaitMs): FileRead {
  let fd: number | null = null;
  try {
    // Without it, opening a named pipe blocks until there is a writer. Windows has none: 0 there.
    const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
    fd = openSync(path, constants.O_RDONLY | O_NONBLOCK);
    const found = fstatSync(fd);
    if (found.isDirectory()) return { type: "folder" };
    const read = readBounded(fd, found.isFile() ? 0 : waitMs);
    const hasMode = read.type === "read" && found.isFile() && process.platform !== "win32";
    return hasMode ? { ...read, mode: found.mode } : read;
  } catch (error) {
    return failure(error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
}

/** What every user of this machine may do to a file of these permissions; null: nothing. */
export function othersMay(mode: number): "readable" | "writable" | null {
  if ((mode & 0o006) === 0) return null;
  return (mode & 0o002) === 0 ? "readable" : "writable";
}

function readBounded(fd: number, waitMs: number): FileRead {
  const room = new Uint8Array(fileMax + 1);
  const began = performance.now();
  for (let filled = 0; filled < room.length;) {
    const read = readNow(fd, room, filled);
    if (read !== null && read > 0) {
      filled += read;
      continue;
    }
    const waited = performance.now() - began;
    // A pipe without a writer yet looks like a pipe at its end.
    const isEnd = read === 0 && (filled > 0 || waited >= Math.min(waitMs, writerWaitMs));
    if (isEnd) return { type: "read", bytes: room.slice(0, filled) };
    if (waited >= waitMs) return { type: "unreadable", why: "it is a pipe that does not end" };
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
  }
  return { type: "too large", beginning: room.slice(0, beginningBytes) };
}

/** The number of bytes read; 0: end; null: no data yet. */
function readNow(fd: number, room: Uint8Array, at: number): number | null {
  try {
    return readSync(fd, room, at, room.length - at, null);
  } catch (error) {
    if (errorCode(error) === "EAGAIN") return null;
    throw error;
  }
}

/**
 * Whether a file written next to `path` may replace it: `path` does not exist or is a plain file.
 * To replace a device, a pipe or a link would remove it, and cut off its readers.
 */
export function isReplaceable(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

function failure(error: unknown): FileRead {
  const code = errorCode(error) ?? String(error);
  // ENOTDIR: `a/b` where `a` is a file, so `a/b` does not exist either.
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
