/**
 * What a list is made of, found while it is read, so that a long one can be written in pieces between
 * which others have their turn. Null is a step that found nothing. State may change between two
 * steps: each item is as it was when it was read.
 */
export type Steps<Item> = Generator<Item | null, void, void>;

/** All of it, at once. */
export function allOf<Item>(steps: Steps<Item>): Item[] {
  const items: Item[] = [];
  for (const item of steps) if (item !== null) items.push(item);
  return items;
}
