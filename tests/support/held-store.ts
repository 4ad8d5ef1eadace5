import type { Changes, Commit, StoreFailure } from "../../src/core/durable.ts";
import { ShadowStore } from "./shadow-store.ts";
import { World, type WorldOptions } from "./world.ts";

interface Batch {
  readonly changes: Changes;
  readonly done: Parameters<Commit>[1];
}

/** A store that keeps a batch when the test says so. */
export class HeldStore {
  readonly kept = new ShadowStore();
  /** Batches so far. */
  batches = 0;
  #batch: Batch | null = null;

  readonly commit: Commit = (changes, done) => {
    if (this.#batch !== null) throw new Error("one commit is under way");
    this.batches += 1;
    this.#batch = { changes, done };
  };

  /** The batch under way; null: none is. */
  get waiting(): Changes | null {
    return this.#batch?.changes ?? null;
  }

  keep(): void {
    const { changes, done } = this.#take();
    this.kept.apply(changes);
    done(null);
  }

  fail(failure: StoreFailure): void {
    this.#take().done(failure);
  }

  #take(): Batch {
    const batch = this.#batch;
    if (batch === null) throw new Error("no commit is under way");
    this.#batch = null;
    return batch;
  }
}

/** A world whose broker has a store that the test holds. */
export class StoredWorld extends World {
  readonly store: HeldStore;

  constructor(options: WorldOptions = {}) {
    const store = new HeldStore();
    super({ ...options, commit: store.commit });
    this.store = store;
  }

  /** Keeps batches until none is left. */
  keep(): void {
    this.check();
    while (this.store.waiting !== null) {
      this.store.keep();
      this.check();
    }
  }

  fail(failure: Partial<StoreFailure> = {}): void {
    this.store.fail({ isFull: false, detail: "input/output error", ...failure });
    this.check();
  }
}
