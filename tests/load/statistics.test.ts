import { expect, test } from "bun:test";
import { delays, rotated, spread } from "../../src/load/statistics.ts";

test("the median of an even number is between the middle two", () => {
  expect(spread([4, 1, 3, 10])).toEqual({ median: 3.5, min: 1, max: 10 });
  expect(spread([2])).toEqual({ median: 2, min: 2, max: 2 });
  expect(spread([])).toBeNull();
});

test("percentiles by the nearest rank", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(delays(hundred)).toEqual({ count: 100, p50: 50, p99: 99, worst: 100 });
  expect(delays([5])).toEqual({ count: 1, p50: 5, p99: 5, worst: 5 });
  expect(delays([])).toEqual({ count: 0, p50: null, p99: null, worst: null });
});

test("each item goes first once", () => {
  expect(rotated(["a", "b", "c"], 0)).toEqual(["a", "b", "c"]);
  expect(rotated(["a", "b", "c"], 4)).toEqual(["b", "c", "a"]);
  expect(rotated([], 2)).toEqual([]);
});
