import type { Changes, Commit } from "../../core/durable.ts";
import type { Journal } from "../../core/journal.ts";
import type { Core } from "./core.ts";
import type { Loop } from "./loop.ts";
import type { Output } from "./output.ts";

/** Milliseconds until a batch that failed comes again. */
const retryMs = 1000;

/**
 * Hands what the journal has to the store: one batch at a time, with all that one poll of the
 * sockets changed, or that changed while the batch before was under way.
 */
export class Commits {
  readonly #journal: Journal;
  readonly #commit: Commit;
  readonly #loop: Loop;
  readonly #output: Output;
  readonly #core: Core;
  /** A batch is to be made; nothing is to be done; or it is at the store, or waits to come again. */
  #state: "idle" | "due" | "committing" | "failed" = "idle";
  /** The batch that failed; null: none did. */
  #failed: Changes | null = null;

  constructor(journal: Journal, commit: Commit, loop: Loop, output: Output, core: Core) {
    this.#journal = journal;
    this.#commit = commit;
    this.#loop = loop;
    this.#output = output;
    this.#core = core;
  }

  /** The journal has something to keep. */
  due(): void {
    if (this.#state !== "idle") return;
    this.#state = "due";
    this.#loop.soon(() => this.#core.guard(() => this.#begin()));
  }

  /** The store has all that the journal had. */
  get isIdle(): boolean {
    return this.#state === "idle";
  }

  #begin(): void {
    this.#state = "committing";
    const changes = this.#failed ?? this.#journal.take();
    // What is held since a batch failed is not in that batch.
    if (this.#failed === null) this.#output.beginCommit();
    if (changes.length === 0) this.#done();
    else {
      this.#commit(changes, (failure) => {
        if (failure === null) return this.#done();
        this.#failed = changes;
        this.#state = "failed";
        this.#loop.after(retryMs, () => this.#core.guard(() => this.#begin()));
        this.#core.call(() => {
          const connections = this.#output.breakPromises();
          this.#core.handle({ type: "persistFailed", failure, connections });
        });
      });
    }
  }

  #done(): void {
    const recovered = this.#failed !== null;
    this.#failed = null;
    this.#state = "idle";
    if (!this.#journal.isClean) this.due();
    this.#core.call(() => {
      this.#output.keepPromises();
      if (recovered) this.#core.handle({ type: "persistRecovered" });
    });
  }
}
