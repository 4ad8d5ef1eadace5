import { Deadlines, isBefore, type Deadline } from "./deadlines.ts";
import type { Millis } from "./io.ts";
import type { Timed } from "./timed.ts";

/** Kinds of deadlines, by what they may wait for. The lower a rank, the less. */
export const Rank = { judgement: 0, fate: 1, bulk: 2 } as const;
type Rank = (typeof Rank)[keyof typeof Rank];

const rankOf: Readonly<Record<Timed["kind"], Rank>> = {
  connection: Rank.judgement,
  hold: Rank.judgement,
  will: Rank.fate,
  session: Rank.fate,
  publish: Rank.fate,
  pump: Rank.bulk,
  handover: Rank.bulk,
  retained: Rank.bulk,
  crowd: Rank.bulk,
  departures: Rank.bulk,
  accessReview: Rank.bulk,
  sys: Rank.bulk,
};

/** Whether deadlines of each rank are handled. */
type Open = readonly [judgement: boolean, fate: boolean, bulk: boolean];
const all: Open = [true, true, true];

/**
 * All deadlines of a broker. A heap for each rank, so that a deadline of one rank can be handled
 * while many of another are overdue.
 */
export class Schedule {
  readonly #heaps = [
    new Deadlines<Timed>(),
    new Deadlines<Timed>(),
    new Deadlines<Timed>(),
  ] as const;
  #seq = 0;

  get size(): number {
    return this.#heaps.reduce((total, { size }) => total + size, 0);
  }

  /** When the first deadline is due; null: none is set. */
  next(): Millis | null {
    return this.#first(all)?.due ?? null;
  }

  /** When the first deadline of a rank is due; null: none is set. */
  nextOf(rank: Rank): Millis | null {
    return this.#heaps[rank].next();
  }

  set(deadline: Deadline<Timed>, due: Millis): void {
    this.#heaps[rankOf[deadline.owner.kind]].set(deadline, due, this.#seq++);
  }

  /** Puts a deadline back that `pop` has returned, in its old place. */
  restore(deadline: Deadline<Timed>): void {
    this.#heaps[rankOf[deadline.owner.kind]].set(deadline, deadline.due, deadline.seq);
  }

  /** Null: a deadline that was never created. */
  clear(deadline: Deadline<Timed> | null): void {
    if (deadline !== null) this.#heaps[rankOf[deadline.owner.kind]].clear(deadline);
  }

  /** Owners of all deadlines that are set, unordered. */
  *owners(): Generator<Timed, void, void> {
    for (const heap of this.#heaps) yield* heap.owners();
  }

  /** Removes and returns the first deadline that is due at `now`; null: none is, of open ranks. */
  pop(now: Millis, open: Open = all): Deadline<Timed> | null {
    const first = this.#first(open);
    if (first === null || first.due > now) return null;
    this.clear(first);
    return first;
  }

  #first(open: Open): Deadline<Timed> | null {
    let first: Deadline<Timed> | null = null;
    // Without an iterator: the timer is armed after each callback of the loop.
    for (let rank = 0; rank < this.#heaps.length; rank++) {
      const other = open[rank] === true ? this.#heaps[rank]!.first : null;
      if (other === null) continue;
      if (first === null || isBefore(other, first)) first = other;
    }
    return first;
  }
}
