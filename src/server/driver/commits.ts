import type { Budget } from "../../core/budget.ts";
import type { Change, Changes, Commit } from "../../core/durable.ts";
import type { Journal } from "../../core/journal.ts";
import type { Core } from "./core.ts";
import type { Loop } from "./loop.ts";
import type { Output } from "./output.ts";

/** Milliseconds until a batch that failed comes again. */
const retryMs = 1000;

/** Work of taking one key. */
const unitsOfKey = 1;

interface CommitParts {
  readonly loop: Loop;
  readonly output: Output;
  readonly core: Core;
  readonly budget: Budget;
  /** Work of taking one part of a batch. */
  readonly units: number;
}

/**
 * Hands what the journal has to the store: one batch at a time, with all that one poll of the
 * sockets changed, or that changed while the batch before was under way. A large one is made in
 * several turns of the loop; it is complete at the end of one in which nothing is left.
 */
export class Commits {
  readonly #journal: Journal;
  readonly #commit: Commit;
  readonly #loop: Loop;
  readonly #output: Output;
  readonly #core: Core;
  readonly #budget: Budget;
  /** Keys to take in one turn. */
  readonly #most: number;
  /** The store has all that the journal had: no batch is to be made, at the store, or failed. */
  isIdle = true;
  /** What was taken for a batch that is not complete. */
  #taken: Change[] = [];
  /** Keys that the last part left in the journal; null: a batch begins. */
  #left: number | null = null;
  /** The batch has failed, and comes again. */
  #hasFailed = false;
  /** Something changed meanwhile for which nobody waits, and is not kept yet. */
  isBehind = false;

  constructor(
    journal: Journal,
    commit: Commit,
    { loop, output, core, budget, units }: CommitParts,
  ) {
    this.#journal = journal;
    this.#commit = commit;
    this.#loop = loop;
    this.#output = output;
    this.#core = core;
    this.#budget = budget;
    this.#most = Math.max(1, Math.floor(units / unitsOfKey));
  }

  /** The journal has something to keep. */
  due(): void {
    if (!this.isIdle) return;
    this.isIdle = false;
    this.#loop.soon(() => this.#core.guard(() => this.#takePart()));
  }

  /**
   * Takes so many keys, and as many again as have changed since the part before: so the batch gets
   * complete however much changes meanwhile.
   */
  #takePart(): void {
    const { size } = this.#journal;
    const most = this.#most + Math.max(0, size - (this.#left ?? size));
    for (const change of this.#journal.take(most)) this.#taken.push(change);
    this.#left = this.#journal.size;
    this.#budget.spent += (size - this.#left) * unitsOfKey;
    if (!this.#journal.isClean) {
      this.#loop.soon(() => this.#core.guard(() => this.#takePart()));
      return;
    }
    const changes = this.#taken;
    this.#taken = [];
    this.#left = null;
    this.#output.beginCommit();
    this.#send(changes);
  }

  #send(changes: Changes): void {
    if (changes.length === 0) return this.#done();
    this.#commit(changes, (failure) => {
      if (failure === null) return this.#done();
      this.#hasFailed = true;
      this.isBehind = true;
      // What is held from now on waits for the batch after it.
      this.#loop.after(retryMs, () => this.#core.guard(() => this.#send(changes)));
      this.#core.call(() => {
        const connections = this.#output.breakPromises();
        this.#core.handle({ type: "persistFailed", failure, connections });
      });
    });
  }

  #done(): void {
    const recovered = this.#hasFailed;
    this.#hasFailed = false;
    this.isIdle = true;
    this.#journal.kept();
    this.isBehind = recovered && !this.#journal.isClean;
    if (!this.#journal.isClean) this.due();
    this.#core.call(() => {
      this.#output.keepPromises();
      if (recovered) this.#core.handle({ type: "persistRecovered" });
    });
  }
}
