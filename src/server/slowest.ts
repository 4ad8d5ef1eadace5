/** Whoever keeps the broker waiting for less than this keeps its place. */
const graceMs = 1000;

/**
 * The one that has kept the broker waiting for longest, whose place another may take. `waitingSince`:
 * monotonic milliseconds; null: it keeps up. Null: all keep their places.
 */
export function slowest<One>(
  all: Iterable<One>,
  waitingSince: (one: One) => number | null,
  now: number,
): One | null {
  let found: One | null = null;
  let since = now - graceMs;
  for (const one of all) {
    const own = waitingSince(one);
    if (own === null || own > since) continue;
    found = one;
    since = own;
  }
  return found;
}
