import { closeSync, openSync, statSync } from "node:fs";
import path from "node:path";
import { errorCode } from "../log/system-error.ts";
import { StoreError } from "./faults.ts";
import { lastSign, UnreadableSign } from "./sign-of-life.ts";

// A store's folder, before SQLite opens what is in it.

/** The file of a folder that has everything. */
export const fileName = "mqttd.db";

/** Whether the folder is there. Throws StoreError if it is something else. */
export function refuseFile(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found?.isDirectory() === false) throw new StoreError("foreign", "it is a file, not a folder");
  return found !== undefined;
}

/** SQLite takes a file without a byte for a new one, and deletes the log beside it. */
export function refuseEmpty(folder: string): void {
  const name = path.join(folder, fileName);
  if (sizeOf(name) > 0) return;
  const sign = lastSign(folder);
  const isNew = sign === null || (!(sign instanceof UnreadableSign) && sign.kept === 0);
  if (sizeOf(`${name}-wal`) === 0 && isNew) return;
  throw new StoreError("gone", `${fileName} is missing or empty, and what was kept is not`);
}

/** Creates an empty file that only its owner can read, if there is none. */
export function createPrivate(name: string): void {
  try {
    // Only if it is new: closing a descriptor of a file gives up this process's locks on it.
    closeSync(openSync(name, "wx", 0o600));
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
  }
}

/** Bytes of a file; 0: there is none. */
export function sizeOf(name: string): number {
  return statSync(name, { throwIfNoEntry: false })?.size ?? 0;
}
