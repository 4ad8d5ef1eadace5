/**
 * The order at one moment: the network and the programs, then the broker's timers. `late`: what
 * waited in sockets for a loop that stood still; the loop runs its timers first.
 */
export const turnOf = { network: 0, timer: 1, late: 2 } as const;

interface Entry {
  readonly at: number;
  readonly turn: number;
  /** Entries of one moment and turn keep the order in which they were added. */
  readonly order: number;
  readonly run: () => void;
}

/** All future events of a world, soonest first. Times are milliseconds. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #order = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The time of the next entry; Infinity: none. */
  get next(): number {
    return this.#heap[0]?.at ?? Infinity;
  }

  /** Whether the next entry belongs to the timers' turn. */
  get nextTurn(): number {
    return this.#heap[0]?.turn ?? Infinity;
  }

  at(time: number, run: () => void, turn: number = turnOf.network): void {
    const heap = this.#heap;
    const entry = { at: time, turn, order: this.#order++, run };
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
  }

  /** Removes and returns the next entry; the agenda must not be empty. */
  take(): () => void {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) throw new Error("the agenda is empty");
    if (heap.length > 0) sink(heap, last);
    return first.run;
  }
}

function sink(heap: Entry[], entry: Entry): void {
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    let child = heap[below];
    if (child === undefined) break;
    const other = heap[below + 1];
    if (other !== undefined && isBefore(other, child)) {
      below += 1;
      child = other;
    }
    if (!isBefore(child, entry)) break;
    heap[place] = child;
    place = below;
  }
  heap[place] = entry;
}

function isBefore(a: Entry, b: Entry): boolean {
  if (a.at !== b.at) return a.at < b.at;
  return a.turn !== b.turn ? a.turn < b.turn : a.order < b.order;
}
