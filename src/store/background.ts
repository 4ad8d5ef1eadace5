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
 * A commit that promises nothing: it is done at once, and written later. A batch that fails is tried
 * again before the next one, so that the file never misses a part in the middle.
 */
export function inBackground(
  commit: Commit,
  loop: Loop,
  onTrouble: (failure: StoreFailure) => void,
): Commit {
  const waiting: Changes[] = [];
  let delayed: (() => void) | null = null;
  let isFailing = false;
  const write = (): void => {
    const [changes] = waiting;
    if (changes === undefined) return;
    commit(changes, (failure) => {
      if (failure !== null) {
        if (!isFailing) onTrouble(failure);
        isFailing = true;
        loop.after(retryMs, write);
        return;
      }
      isFailing = false;
      waiting.shift();
      delayed?.();
      delayed = null;
      write();
    });
  };
  return (changes, done) => {
    waiting.push(changes);
    if (waiting.length < waitingMax) loop.soon(() => done(null));
    else delayed = () => done(null);
    if (waiting.length === 1) write();
  };
}
