import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { errorCode } from "../log/system-error.ts";

/** A configuration is written by hand; what is larger is some other file. */
export const fileMax = 1024 * 1024;

/** What reading a file gave. The loader gets it from outside, so that it runs without a disk. */
export type FileRead =
  | { readonly type: "read"; readonly bytes: Uint8Array }
  | { readonly type: "missing" }
  | { readonly type: "folder" }
  | { readonly type: "too large" }
  | { readonly type: "unreadable"; readonly why: string };

/** `waitMs`: how long a pipe may take to its end. */
export type ReadFile = (path: string, waitMs?: number) => FileRead;

/** A pipe may have to wait for a program that asks a person first: `-c <(decrypt mqttd.json)`. */
const pipeWaitMs = 30_000;
/** Whoever writes to a named pipe may open it a moment later than we do; else nobody does. */
const writerWaitMs = 2000;
const retryMs = 10;

/**
 * Reads at most `fileMax` bytes, of a file or a pipe, whatever it says its size is; of a pipe for at
 * most `waitMs` milliseconds. Never throws.
 */
export function readConfigFile(path: string, waitMs = pipeWaitMs): FileRead {
  let fd: number | null = null;
  try {
    // To open a named pipe would wait for whoever writes to it. Windows has none: 0 there.
    const { O_NONBLOCK = 0 } = constants as Partial<typeof constants>;
    fd = openSync(path, constants.O_RDONLY | O_NONBLOCK);
    const found = fstatSync(fd);
    if (found.isDirectory()) return { type: "folder" };
    return readBounded(fd, found.isFile() ? 0 : waitMs);
  } catch (error) {
    return failure(error);
  } finally {
    if (fd !== null) closeSync(fd);
  }
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
    // A pipe that nobody has opened to write looks like one that has ended.
    const isEnd = read === 0 && (filled > 0 || waited >= Math.min(waitMs, writerWaitMs));
    if (isEnd) return { type: "read", bytes: room.slice(0, filled) };
    if (waited >= waitMs) return { type: "unreadable", why: "it is a pipe that does not end" };
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
  }
  return { type: "too large" };
}

/** Bytes that were read; 0: there is an end; null: there is nothing yet. */
function readNow(fd: number, room: Uint8Array, at: number): number | null {
  try {
    return readSync(fd, room, at, room.length - at, null);
  } catch (error) {
    if (errorCode(error) === "EAGAIN") return null;
    throw error;
  }
}

/**
 * Whether a file that is made beside `path` may take its place: nothing is there, or a plain file. A
 * device, a pipe or a link of that name would be gone, and whoever reads there would hear nothing.
 */
export function isReplaceable(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
}

function failure(error: unknown): FileRead {
  const code = errorCode(error) ?? String(error);
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
