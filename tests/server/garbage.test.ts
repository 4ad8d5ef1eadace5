import { expect, test } from "bun:test";
import { Garbage } from "../../src/server/garbage.ts";
import { garbageCollector } from "../../src/server/platform.ts";

const mebibyte = 1024 * 1024;
const limit = 256 * mebibyte;
const threshold = 384 * mebibyte;

/** Times of collections within ten seconds, each of `took` ms. `sizeAt`: bytes of the process. */
function collections(sizeAt: (now: number, lastAt: number) => number, took = 1): number[] {
  const times: number[] = [];
  let now = 0;
  const garbage = new Garbage(
    { limit },
    () => sizeAt(now, times.at(-1) ?? 0),
    () => {
      times.push(now);
      return took;
    },
  );
  for (; now < 10_000; now += 100) garbage.look(now);
  return times;
}

test("a process that keeps to its limit is left alone", () => {
  expect(collections(() => threshold - 1)).toEqual([]);
});

test("garbage is collected as soon as the process is too large, and again when it has grown anew", () => {
  const half = threshold / 2;
  const times = collections((now, lastAt) => half + (half * (now - lastAt)) / 1000);
  expect(times).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((seconds) => seconds * 1000));
});

test("while it frees little it is collected ever less often", () => {
  const times = collections(() => 2 * threshold);
  expect(times.length).toBeLessThan(6);
  const waits = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
});

test("collections take a small share of the time", () => {
  const sizes = (now: number, lastAt: number): number => (now - lastAt > 100 ? threshold : 0);
  expect(collections(sizes, 200).length).toBeLessThan(collections(sizes, 1).length / 2);
});

test("without a limit nothing is collected", () => {
  const garbage = new Garbage(
    { limit: Infinity },
    () => Infinity,
    () => {
      throw new Error("collected");
    },
  );
  garbage.look(0);
});

test("the runtime of the executable can collect", () => {
  expect(garbageCollector()?.()).toBeGreaterThan(0);
});
