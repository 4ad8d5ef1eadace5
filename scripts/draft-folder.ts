import { mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { signalCodes } from "../src/config/signal-codes.ts";

/** A folder of its own for one run of a script. It goes with the run, also when a signal ends that. */
export class DraftFolder implements Disposable {
  readonly path: string;

  /** Begins with `prefix`, inside `parent`. */
  constructor(parent: string, prefix: string) {
    // First, since whoever sees the folder may send a signal.
    for (const [signal, code] of Object.entries(signalCodes)) {
      process.once(signal, () => {
        this[Symbol.dispose]();
        process.exit(code);
      });
    }
    this.path = mkdtempSync(path.join(parent, prefix));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
