import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { processStart } from "../api/process-start.ts";
import { errorCode } from "../log/system-error.ts";
import { storeErrorOf } from "./faults.ts";

/**
 * The process that has a folder's store open: its number, and when it started, since another may get
 * that number. Not the lock itself, only its label.
 */
const labelName = "mqttd.pid";

/**
 * After the lock was taken: replaces the label of a process that was killed. On a full disk there is
 * none.
 */
export function writeHolder(folder: string): void {
  const text = `${process.pid}\n${processStart(process.pid) ?? ""}\n`;
  try {
    writeFileSync(path.join(folder, labelName), text, { mode: 0o600 });
  } catch (cause) {
    if (storeErrorOf(cause).fault !== "full") throw cause;
  }
}

export function removeHolder(folder: string): void {
  rmSync(path.join(folder, labelName), { force: true });
}

/** The living process that has a folder's file open; null: none is known. */
export function holderOf(folder: string): number | null {
  let text;
  try {
    text = readFileSync(path.join(folder, labelName), "utf8");
  } catch {
    return null;
  }
  const [number = "", start = ""] = text.split("\n");
  const holder = Number(number);
  if (!Number.isSafeInteger(holder) || holder <= 0 || !lives(holder)) return null;
  const now = start === "" ? null : processStart(holder);
  return now === null || now === start ? holder : null;
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    // It may be another user's.
    return errorCode(cause) === "EPERM";
  }
}
