import { expect, test } from "bun:test";
import { duration, setting } from "../../src/log/duration.ts";

test("a duration has three digits and the unit that suits it", () => {
  const read = [
    [0, "0 ms"],
    [0.4, "0 ms"],
    [950, "950 ms"],
    [999.6, "1.00 s"],
    [3000, "3.00 s"],
    [9994, "9.99 s"],
    [9995, "10.0 s"],
    [15_000, "15.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min"],
    [125_000, "2 min 5 s"],
    [3_599_499, "59 min 59 s"],
    [3_599_500, "1 h"],
    [12_000_000, "3 h 20 min"],
    [47 * 3_600_000, "47 h"],
    [98 * 3_600_000, "4 d 2 h"],
    [Infinity, "forever"],
    [-40, "-40 ms"],
  ] as const;
  for (const [ms, text] of read) expect(duration(ms)).toBe(text);
});

test("a time set in whole seconds gets no unmeasured digits", () => {
  expect([30_000, 1000, 1500, 0, 60_000, 90_000, Infinity].map(setting)).toEqual([
    "30 s",
    "1 s",
    "1.50 s",
    "0 ms",
    "1 min",
    "1 min 30 s",
    "forever",
  ]);
});
