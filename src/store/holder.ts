import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The number of the process that has a folder's store open. Not the lock itself, only its label. */
const labelName = "mqttd.pid";

/** After the lock was taken: replaces the label of a process that was killed. */
export function writeHolder(folder: string): void {
  writeFileSync(path.join(folder, labelName), `${process.pid}\n`, { mode: 0o600 });
}

export function removeHolder(folder: string): void {
  rmSync(path.join(folder, labelName), { force: true });
}

/** The living process that has a folder's file open; null: none is known. */
export function holderOf(folder: string): number | null {
  try {
    const holder = Number(readFileSync(path.join(folder, labelName), "utf8"));
    if (!Number.isSafeInteger(holder) || holder <= 0) return null;
    process.kill(holder, 0);
    return holder;
  } catch {
    // No label, or nobody of that number.
    return null;
  }
}
