import { expect, test } from "bun:test";
import { Oldest } from "../../../src/core/records/oldest.ts";

test("keys come oldest first, whatever is deleted or added meanwhile", () => {
  const map = new Map<string, number>();
  const oldest = new Oldest(map);
  expect(oldest.take()).toBeUndefined();
  for (const key of ["a", "b", "c", "d"]) map.set(key, 0);
  const evict = (): string | undefined => {
    const key = oldest.take();
    if (key !== undefined) map.delete(key);
    return key;
  };
  expect(evict()).toBe("a");
  map.delete("c");
  // One that comes again is the youngest.
  map.set("a", 1);
  expect([evict(), evict(), evict(), evict()]).toEqual(["b", "d", "a", undefined]);
  map.set("e", 2);
  expect([evict(), evict()]).toEqual(["e", undefined]);
});

test("the same of a Set, through many changes", () => {
  const set = new Set<number>();
  const oldest = new Oldest(set);
  for (let value = 0; value < 5000; value++) {
    set.add(value);
    if (set.size <= 100) continue;
    const first = oldest.take();
    expect(first).toBe(value - 100);
    set.delete(value - 100);
  }
});
