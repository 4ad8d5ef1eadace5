import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { StoreError } from "./faults.ts";
import { holderOf } from "./holder.ts";
import { signsNow } from "./sign-of-life.ts";

/**
 * A copy of a store's file and its log, to read them: SQLite itself would bring the log into the file,
 * and a folder that is only read may be on a disk that can't be written. Throws StoreError, `locked`,
 * if a broker runs on the folder, and the errors of the system.
 */
export class StoreCopy {
  readonly folder: string;

  constructor(folder: string, fileName: string) {
    refuseRunning(folder);
    this.folder = mkdtempSync(path.join(tmpdir(), "mqttd-read-"));
    try {
      for (const name of [fileName, `${fileName}-wal`]) {
        const from = path.join(folder, name);
        if (statSync(from, { throwIfNoEntry: false }) === undefined) continue;
        copyFileSync(from, path.join(this.folder, name));
      }
      // One that has just been started may have changed both meanwhile.
      refuseRunning(folder);
    } catch (cause) {
      this.remove();
      throw cause;
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function refuseRunning(folder: string): void {
  const holder = holderOf(folder);
  if (holder === null && !signsNow(folder)) return;
  const whose = holder === null ? "" : ` (process ${holder})`;
  throw new StoreError("locked", `another broker has it open${whose}`);
}
