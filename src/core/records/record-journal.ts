import type { Change, RecordChange } from "../durable.ts";
import type { BatchPart, Journal } from "../journal.ts";

/** Of what is in no hurry, in one part of a batch at most: it is there for people, and holds up nobody. */
const atOnce = 500;

/** Something remembered that outlives the process. */
export interface Lasting {
  /** The store has it, or gets it with a batch that was made. */
  isStored: boolean;
  /** As it is now. */
  put(): RecordChange;
  drop(): RecordChange;
}

/**
 * Which records changed since the last batch. One that changed together with something that has to
 * outlive the process is in the same batch: the end of a connection, a will's fate. Any other waits
 * for the store's next sign of life, and so costs no client a commit: so does one that has just
 * begun, which may have ended by then. What is forgotten here is deleted there.
 */
export class RecordJournal {
  readonly #journal: Journal;
  /** Belongs to the next batch. */
  readonly #bound = new Set<Lasting>();
  readonly #loose = new Set<Lasting>();
  #dropped: RecordChange[] = [];
  /** Those of them that belong to the next batch. */
  readonly #droppedBound: RecordChange[] = [];
  /** So many of the loose ones need not wait any longer. */
  #flushing = 0;
  #lastNumber = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** A number for a record; larger than any before it. */
  next(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /** The store has a record under this number. */
  adopt(number: number): void {
    if (number > this.#lastNumber) this.#lastNumber = number;
  }
  changed(record: Lasting): void {
    if (!this.#journal.hasChanged) return this.noted(record);
    this.#loose.delete(record);
    this.#bound.add(record);
  }

  /** It changed, and is in no hurry. */
  noted(record: Lasting): void {
    if (!this.#bound.has(record)) this.#loose.add(record);
  }

  forgot(record: Lasting): void {
    const wasBound = this.#bound.delete(record);
    this.#loose.delete(record);
    if (!record.isStored) return;
    // What the store has of it is wrong once it has the batch: a will that is delayed, and decided.
    if (wasBound) this.#droppedBound.push(record.drop());
    else this.#dropped.push(record.drop());
  }

  /** So many have to be in a batch now. */
  get urgent(): number {
    const bound = this.#bound.size + this.#droppedBound.length;
    return bound + Math.min(this.#flushing, this.#loose.size + this.#dropped.length);
  }

  /** Nothing changed since the last batch. */
  get isEmpty(): boolean {
    const dropped = this.#droppedBound.length + this.#dropped.length;
    return this.#bound.size + this.#loose.size + dropped === 0;
  }

  /** What changed until now need not wait any longer. */
  flush(): void {
    this.#flushing = this.#loose.size + this.#dropped.length;
  }

  /** Appends what changed to a part of a batch; of what belongs to it, as much as there is room for. */
  take(part: BatchPart): void {
    const { changes } = part;
    for (const record of this.#bound) {
      if (part.isFull) return;
      part.room -= 1;
      this.#bound.delete(record);
      take(record, changes);
    }
    while (this.#droppedBound.length > 0) {
      if (part.isFull) return;
      part.room -= 1;
      const change = this.#droppedBound.pop();
      if (change !== undefined) changes.push(change);
    }
    const most = Math.min(atOnce, this.#flushing);
    let left = most;
    for (const record of this.#loose) {
      if (left === 0) break;
      left -= 1;
      this.#loose.delete(record);
      take(record, changes);
    }
    const dropped = this.#dropped.splice(0, left);
    for (const change of dropped) changes.push(change);
    this.#flushing -= most;
  }
}

function take(record: Lasting, changes: Change[]): void {
  record.isStored = true;
  changes.push(record.put());
}
