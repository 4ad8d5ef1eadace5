import type { Changes, Commit, StoreFailure } from "../core/durable.ts";

/** Batches, and bytes of payloads in them, that may wait before the broker has to wait too. */
const waitingMax = 16;
const waitingBytesMax = 16 * 1024 * 1024;

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
  readonly #waiting: { readonly changes: Changes; readonly bytes: number }[] = [];
  /** Of payloads, in all of them. */
  #bytes = 0;
  /** Tells the broker that there is room again; null: it does not wait. */
  #delayed: (() => void) | null = null;
  #isFailing = false;

  constructor(write: Commit, loop: Loop, onTrouble: (failure: StoreFailure) => void) {
    this.#write = write;
    this.#loop = loop;
    this.#onTrouble = onTrouble;
  }

  readonly commit: Commit = (changes, done) => {
    const bytes = payloadBytes(changes);
    const waiting = this.#waiting.push({ changes, bytes });
    this.#bytes += bytes;
    if (waiting < waitingMax && this.#bytes < waitingBytesMax) this.#loop.soon(() => done(null));
    else this.#delayed = () => done(null);
    if (waiting === 1) this.#writeFirst();
  };

  /** Everything has been written. */
  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  #writeFirst(): void {
    const [first] = this.#waiting;
    if (first === undefined) return;
    this.#write(first.changes, (failure) => {
      if (failure !== null) {
        if (!this.#isFailing) this.#onTrouble(failure);
        this.#isFailing = true;
        this.#loop.after(retryMs, () => this.#writeFirst());
        return;
      }
      this.#isFailing = false;
      this.#waiting.shift();
      this.#bytes -= first.bytes;
      const delayed = this.#delayed;
      // It may hand in the next batch.
      this.#delayed = null;
      delayed?.();
      this.#writeFirst();
    });
  }
}

/** What a batch keeps of messages, which may have gone from the broker's own memory. */
function payloadBytes(changes: Changes): number {
  let bytes = 0;
  for (const change of changes) {
    if ("put" in change && change.put === "message") bytes += change.value.payload.length;
  }
  return bytes;
}
