import type { Changes, Commit, StoreFailure } from "../../core/durable.ts";
import type { Journal } from "../../core/journal.ts";
import type { Loop } from "./loop.ts";

/** Milliseconds until a batch that failed comes again. */
const retryMs = 1000;

/** What the commits ask of their driver. Each call is a callback of the loop. */
interface CommitsOwner {
  /** A batch is handed to the store: what is held so far waits for it. */
  readonly begun: () => void;
  /** The batch is kept. `recovered`: the one before was not. */
  readonly done: (recovered: boolean) => void;
  readonly failed: (failure: StoreFailure) => void;
}

/**
 * Hands what the journal has to the store: one batch at a time, with all that one poll of the
 * sockets changed, or that changed while the batch before was under way.
 */
export class Commits {
  readonly #journal: Journal;
  readonly #commit: Commit;
  readonly #loop: Pick<Loop, "soon" | "after">;
  readonly #owner: CommitsOwner;
  /** A batch is to be made; nothing is to be done; or it is at the store, or waits to come again. */
  #state: "idle" | "due" | "committing" | "failed" = "idle";
  /** The batch that failed; null: none did. */
  #failed: Changes | null = null;

  constructor(
    journal: Journal,
    commit: Commit,
    loop: Pick<Loop, "soon" | "after">,
    owner: CommitsOwner,
  ) {
    this.#journal = journal;
    this.#commit = commit;
    this.#loop = loop;
    this.#owner = owner;
  }

  /** The journal has something to keep. */
  due(): void {
    if (this.#state !== "idle") return;
    this.#state = "due";
    this.#loop.soon(() => this.#begin());
  }

  /** The store has all that the journal had. */
  get isIdle(): boolean {
    return this.#state === "idle";
  }

  #begin(): void {
    this.#state = "committing";
    const changes = this.#failed ?? this.#journal.take();
    // What is held since a batch failed is not in that batch.
    if (this.#failed === null) this.#owner.begun();
    if (changes.length === 0) this.#done();
    else {
      this.#commit(changes, (failure) => {
        if (failure === null) return this.#done();
        this.#failed = changes;
        this.#state = "failed";
        this.#loop.after(retryMs, () => this.#begin());
        this.#owner.failed(failure);
      });
    }
  }

  #done(): void {
    const recovered = this.#failed !== null;
    this.#failed = null;
    this.#state = "idle";
    if (!this.#journal.isClean) this.due();
    this.#owner.done(recovered);
  }
}
