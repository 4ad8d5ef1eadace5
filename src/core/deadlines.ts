import { assert } from "./assert.ts";
import type { Millis } from "./io.ts";

/**
 * Something that is due once. The owner embeds or holds it; the heap moves it. `seq` keeps those
 * with one due time in the order in which they were set.
 */
export class Deadline<Owner> {
  readonly owner: Owner;
  /** What the heap sorts by. Meaningful only while it is set. */
  due: Millis = 0 as Millis;
  /** Place in the heap; -1: not set. */
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
 * A binary heap of everything that the broker waits for, first due on top. Setting, moving and
 * clearing take O(log n). A keepalive does not move its entry with each packet: it pops at the old
 * time, sees that the connection was heard since, and is set again (one number written a packet).
 */
export class Deadlines<Owner> {
  #heap: Deadline<Owner>[] = [];
  #seq = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** When the first one is due; null: nothing is waited for. */
  next(): Millis | null {
    return this.#heap[0]?.due ?? null;
  }

  set(deadline: Deadline<Owner>, due: Millis): void {
    assert(!Number.isNaN(due) && due !== Infinity, "a deadline needs a finite due time");
    deadline.due = due;
    deadline.seq = this.#seq++;
    if (deadline.place < 0) {
      deadline.place = this.#heap.length;
      this.#heap.push(deadline);
      this.#up(deadline);
      return;
    }
    this.#up(deadline);
    this.#down(deadline);
  }

  clear(deadline: Deadline<Owner>): void {
    const place = deadline.place;
    if (place < 0) return;
    const last = this.#heap.pop();
    assert(last !== undefined, "a deadline that is set stands in the heap");
    deadline.place = -1;
    if (last === deadline) return;
    this.#heap[place] = last;
    last.place = place;
    this.#up(last);
    this.#down(last);
  }

  /** Of everything that `pop` would take out at `now`, in no order; nothing is taken out. */
  *dueBy(now: Millis): Generator<Owner, void, void> {
    const places = [0];
    for (let place = places.pop(); place !== undefined; place = places.pop()) {
      const deadline = this.#heap[place];
      // What stands below another is due no earlier.
      if (deadline === undefined || deadline.due > now) continue;
      yield deadline.owner;
      places.push(2 * place + 2, 2 * place + 1);
    }
  }

  /** Of everything that is set, in no order. */
  *owners(): Generator<Owner, void, void> {
    for (const { owner } of this.#heap) yield owner;
  }

  /** Takes out the first one that is due at `now`, or null. */
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

function isBefore<Owner>(a: Deadline<Owner>, b: Deadline<Owner>): boolean {
  return a.due !== b.due ? a.due < b.due : a.seq < b.seq;
}
