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
