import type { Changes, Commit, StoreFailure } from "../core/durable.ts";

/** Batches that may wait to be written before the broker has to wait too. */
const waitingMax = 16;

/** Milliseconds until a batch that failed comes again. */
const retryMs = 1000;

interface Loop {
  soon(work: () => void): void;
  after(milliseconds: number, work: () => void): unknown;
}

/**
 * Commits that promise nothing: each is done at once, and written later. A batch that fails is tried
 * again before the next one, so that the file never misses a part in the middle.
 */
export class BackgroundCommits {
  readonly #write: Commit;
  readonly #loop: Loop;
  readonly #onTrouble: (failure: StoreFailure) => void;
  readonly #waiting: Changes[] = [];
  /** Tells the broker that there is room again; null: it does not wait. */
  #delayed: (() => void) | null = null;
  #isFailing = false;

  constructor(write: Commit, loop: Loop, onTrouble: (failure: StoreFailure) => void) {
    this.#write = write;
    this.#loop = loop;
    this.#onTrouble = onTrouble;
  }

  readonly commit: Commit = (changes, done) => {
    const waiting = this.#waiting.push(changes);
    if (waiting < waitingMax) this.#loop.soon(() => done(null));
    else this.#delayed = () => done(null);
    if (waiting === 1) this.#writeFirst();
  };

  /** Everything has been written. */
  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  #writeFirst(): void {
    const [changes] = this.#waiting;
    if (changes === undefined) return;
    this.#write(changes, (failure) => {
      if (failure !== null) {
        if (!this.#isFailing) this.#onTrouble(failure);
        this.#isFailing = true;
        this.#loop.after(retryMs, () => this.#writeFirst());
        return;
      }
      this.#isFailing = false;
      this.#waiting.shift();
      const delayed = this.#delayed;
      // It may hand in the next batch.
      this.#delayed = null;
      delayed?.();
      this.#writeFirst();
    });
  }
}
