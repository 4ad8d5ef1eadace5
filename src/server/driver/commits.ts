import type { Budget } from "../../core/budget.ts";
import type { Change, Changes, Commit } from "../../core/durable.ts";
import type { Journal } from "../../core/journal.ts";
import type { Output } from "./output.ts";
import { Uncommitted, type UncommittedParts } from "./uncommitted.ts";

/** Milliseconds until a batch that failed comes again. */
const retryMs = 1000;

/**
 * Milliseconds between two batches of which both are large: most of what the second one would delete,
 * the first has just put. What is acknowledged meanwhile is neither.
 */
const restMs = 10;

/** Work of taking one key. */
const unitsOfKey = 3;

interface CommitParts extends UncommittedParts {
  readonly output: Output;
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
  readonly #loop: CommitParts["loop"];
  readonly #output: Output;
  readonly #core: CommitParts["core"];
  readonly #budget: Budget;
  /** Who waits for the next batch. */
  readonly uncommitted: Uncommitted;
  /** Keys to take in one turn. */
  readonly #most: number;
  /** Copies of messages for a batch. */
  readonly #copies: number;
  /** The store has all that the journal had: no batch is to be made, at the store, or failed. */
  isIdle = true;
  /** What was taken for a batch that is not complete. */
  #taken: Change[] = [];
  /** Keys that the last part left in the journal; null: a batch begins. */
  #left: number | null = null;
  /** Begins the batch at once that a rest puts off; null: none does. */
  #endRest: (() => void) | null = null;
  /** The batch that was made last is followed by a rest, unless somebody cannot wait. */
  #needsRest = false;
  #isUrgent = false;
  /** The batch has failed, and comes again. */
  #hasFailed = false;
  /** Something changed meanwhile for which nobody waits, and is not kept yet. */
  isBehind = false;

  constructor(journal: Journal, commit: Commit, parts: CommitParts) {
    const { loop, output, core, budget, units } = parts;
    this.#journal = journal;
    this.#commit = commit;
    this.#loop = loop;
    this.#output = output;
    this.#core = core;
    this.#budget = budget;
    this.uncommitted = new Uncommitted(journal, parts);
    this.#copies = parts.copies;
    this.#most = Math.max(1, Math.floor(units / unitsOfKey));
  }

  /** An input changed something durable. */
  changed(): void {
    this.uncommitted.changes += 1;
    this.due();
  }

  /** The journal has something to keep. */
  due(): void {
    if (!this.isIdle) return;
    this.isIdle = false;
    const begin = (): void => this.#core.guard(() => this.#takePart());
    if (!this.#needsRest || this.#isUrgent) return this.#loop.soon(begin);
    const cancel = this.#loop.after(restMs, () => {
      this.#endRest = null;
      begin();
    });
    this.#endRest = () => {
      this.#endRest = null;
      cancel();
      this.#loop.soon(begin);
    };
  }

  /** What changed last has to be kept as soon as can be: a will waits for it. */
  hurry(): void {
    this.#isUrgent = true;
    this.#endRest?.();
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
    // The end of a session is one key, and lets go of messages that are keys then.
    const taken = Math.max(0, size - this.#left);
    this.#budget.spent += taken * unitsOfKey;
    this.uncommitted.taken(taken);
    if (!this.#journal.isClean) {
      this.#loop.soon(() => this.#core.guard(() => this.#takePart()));
      return;
    }
    const changes = this.#taken;
    this.#taken = [];
    this.#isUrgent = false;
    this.#needsRest = this.#isShortLived(changes);
    this.#left = null;
    this.#output.beginCommit();
    this.#send(changes);
    this.#core.call(() => this.uncommitted.made());
  }

  /** A large batch as much of which goes as comes. */
  #isShortLived(changes: Changes): boolean {
    if (changes.length < 2 * this.#copies) return false;
    let deletes = 0;
    for (const change of changes) if ("delete" in change) deletes += 1;
    const share = deletes / changes.length;
    return share > 0.25 && share < 0.75;
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
        this.uncommitted.open();
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
