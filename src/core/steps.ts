/**
 * The items of a list, found while it is read, so that a long list can be written in pieces with
 * other work in between. Null: a step that found no item. State may change between two steps: each
 * item is current at its own step.
 */
export type Steps<Item> = Generator<Item | null, void, void>;

/** All items at once. */
export function allOf<Item>(steps: Steps<Item>): Item[] {
  const items: Item[] = [];
  for (const item of steps) if (item !== null) items.push(item);
  return items;
}

/**
 * Sorts in steps, one comparison each, since there may be too many items for one. Merges ever longer
 * runs.
 */
export function* sorted<Item>(
  items: Item[],
  isBefore: (a: Item, b: Item) => boolean,
): Generator<null, Item[], void> {
  let from = items;
  for (let run = 1; run < from.length; run *= 2) {
    const to: Item[] = [];
    for (let start = 0; start < from.length; start += 2 * run) {
      const middle = Math.min(start + run, from.length);
      const end = Math.min(middle + run, from.length);
      let left = start;
      let right = middle;
      while (left < middle || right < end) {
        const takesLeft = right === end || (left < middle && !isBefore(from[right]!, from[left]!));
        to.push(takesLeft ? from[left++]! : from[right++]!);
        yield null;
      }
    }
    from = to;
  }
  return from;
}
