import type { RecordChange } from "../durable.ts";
import type { Memory } from "../memory.ts";
import type { Lasting, RecordJournal } from "./record-journal.ts";

/** A part of the records. It counts as memory, once, as long as something keeps it. */
export class Kept {
  #keepers = 0;
  #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  hold({ records }: Memory): void {
    this.#keepers += 1;
    if (this.#keepers === 1) records.take(this.#bytes);
  }

  release({ records }: Memory): void {
    this.#keepers -= 1;
    if (this.#keepers > 0) return;
    records.give(this.#bytes);
    this.letGo();
  }

  /** Nothing keeps it any more. */
  protected letGo(): void {}

  /** It takes so many bytes more. `memory` null: nothing keeps it yet. */
  grow(bytes: number, memory: Memory | null): void {
    this.#bytes += bytes;
    if (this.#keepers > 0) memory?.records.take(bytes);
  }
}

/** One that outlives the process, if there is a store. */
export abstract class LastingKept extends Kept implements Lasting {
  /** Null: nothing outlives the process. */
  protected readonly journal: RecordJournal | null;
  isStored = false;

  constructor(bytes: number, journal: RecordJournal | null) {
    super(bytes);
    this.journal = journal;
  }

  abstract put(): RecordChange;
  abstract drop(): RecordChange;

  /** What the store has of it is no longer right. */
  changed(): void {
    this.journal?.changed(this);
  }
  /** The same, and it is in no hurry. */
  noted(): void {
    this.journal?.noted(this);
  }

  protected override letGo(): void {
    this.journal?.forgot(this);
  }
}

/** Texts up to this length mostly belong to something else as well, or are the program's own. */
const sharedText = 24;

/** About the memory of a fact or an event: plain objects with few fields, and short lists. */
export function bytesOfFact(fact: unknown): number {
  if (typeof fact === "string") return fact.length > sharedText ? 32 + fact.length : 0;
  if (typeof fact !== "object" || fact === null) return 0;
  let bytes = 32;
  // Without the list that Object.values makes: every event is looked at.
  for (const key in fact) bytes += 8 + bytesOfFact(fact[key as keyof typeof fact]);
  return bytes;
}
