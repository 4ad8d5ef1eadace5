import type { Millis } from "../core/io.ts";
import type { StoreFault } from "./faults.ts";
import type { FileFacts, PastRun } from "./store.ts";

/** What a store asks of its thread. Buffers are transferred. */
export type ToThread =
  /** Read the next buffer. */
  | { readonly ask: "read" }
  /** Has no answer. */
  | { readonly ask: "add"; readonly rows: Uint8Array<ArrayBuffer> }
  /** `commit`: with the rows that were added. */
  | { readonly ask: "commit" | "commitAlone"; readonly rows: Uint8Array<ArrayBuffer> }
  /** `isBehind`: something that changed before has not been handed over, and nobody waits for it. */
  | { readonly ask: "heartbeat"; readonly at: Millis; readonly isBehind: boolean }
  | { readonly ask: "facts" }
  | { readonly ask: "close"; readonly at: Millis; readonly isBehind: boolean };

/** Its answers, in the order of the questions; a heartbeat has one if it fails, or the one before did. */
export interface Answers {
  /** `warning`: of what the broker before has left; null: nothing is wrong with it. */
  readonly open: { readonly pastRuns: readonly PastRun[]; readonly warning: string | null };
  /** Null: everything has been read. */
  readonly read: { readonly rows: Uint8Array<ArrayBuffer> | null };
  /** `isNoted`: that it failed is noted beside the file. */
  readonly commit: {
    readonly failure: Failure | null;
    readonly isNoted: boolean;
    readonly tookMs: number;
  };
  readonly heartbeat: { readonly failure: Failure | null };
  readonly facts: { readonly facts: FileFacts };
  readonly close: object;
}

export type FromThread =
  | { readonly [K in keyof Answers]: { readonly to: K } & Answers[K] }[keyof Answers]
  /** Opening, reading, counting or closing failed. */
  | { readonly to: "failed"; readonly failure: Failure };

/** A StoreError: errors lose their class between threads. */
export interface Failure {
  readonly fault: StoreFault;
  readonly detail: string;
}
