import { assert } from "./assert.ts";
import type { Millis } from "./io.ts";

/**
 * A one-shot timer. The owner embeds or holds it; the heap moves it. `seq` keeps deadlines with the
 * same due time in the order in which they were set.
 */
export class Deadline<Owner> {
  readonly owner: Owner;
  /** The heap's sort key. Valid only while the deadline is set. */
  due: Millis = 0 as Millis;
  /** Index in the heap; -1: not set. */
  place = -1;
  seq = 0;

  constructor(owner: Owner) {
    this.owner = owner;
  }

  get isSet(): boolean {
    return this.place >= 0;
  }
}

/**
 * A binary heap of all deadlines, first due on top. Setting, moving and clearing take O(log n). A
 * packet does not move its connection's keepalive deadline, it only writes one number: the deadline
 * pops at the old time, finds the later packet, and is set again.
 */
export class Deadlines<Owner> {
  #heap: Deadline<Owner>[] = [];
  #seq = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the first deadline is due; null: none is set. */
  next(): Millis | null {
    return this.#heap[0]?.due ?? null;
  }

  /** The first deadline; null: none is set. */
  get first(): Deadline<Owner> | null {
    return this.#heap[0] ?? null;
  }

  /** `seq`: its place among deadlines with the same due time; by default behind them. */
  set(deadline: Deadline<Owner>, due: Millis, seq = this.#seq++): void {
    assert(!Number.isNaN(due) && due !== Infinity, "a deadline needs a finite due time");
    deadline.due = due;
    deadline.seq = seq;
    if (deadline.place < 0) {
      deadline.place = this.#heap.length;
      this.#heap.push(deadline);
      this.#up(deadline);
      return;
    }
    this.#up(deadline);
    this.#down(deadline);
  }

  /** Null: a deadline that was never created. */
  clear(deadline: Deadline<Owner> | null): void {
    const place = deadline?.place ?? -1;
    if (deadline === null || place < 0) return;
    const last = this.#heap.pop();
    assert(last !== undefined, "a deadline that is set stands in the heap");
    deadline.place = -1;
    if (last === deadline) return;
    this.#heap[place] = last;
    last.place = place;
    this.#up(last);
    this.#down(last);
  }

  /** Owners of all deadlines that are set, unordered. */
  *owners(): Generator<Owner, void, void> {
    for (const { owner } of this.#heap) yield owner;
  }

  /** Removes and returns the first deadline due at `now`; null: none is due. */
  pop(now: Millis): Deadline<Owner> | null {
    const first = this.#heap[0];
    if (first === undefined || first.due > now) return null;
    this.clear(first);
    return first;
  }

  #up(moving: Deadline<Owner>): void {
    const heap = this.#heap;
    let place = moving.place;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above]!;
      if (!isBefore(moving, parent)) break;
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = moving;
    moving.place = place;
  }

  #down(moving: Deadline<Owner>): void {
    const heap = this.#heap;
    let place = moving.place;
    for (;;) {
      let below = 2 * place + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below += 1;
      const child = heap[below]!;
      if (!isBefore(child, moving)) break;
      heap[place] = child;
      child.place = place;
      place = below;
    }
    heap[place] = moving;
    moving.place = place;
  }
}

export function isBefore<Owner>(a: Deadline<Owner>, b: Deadline<Owner>): boolean {
  return a.due !== b.due ? a.due < b.due : a.seq < b.seq;
}
