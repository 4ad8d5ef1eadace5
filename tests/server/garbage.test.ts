import { expect, test } from "bun:test";
import { Garbage } from "../../src/server/garbage.ts";
import { garbageCollector } from "../../src/server/platform.ts";

const mebibyte = 1024 * 1024;
const limit = 320 * mebibyte;
/** From this size on garbage is collected, and again when the process has grown by a step. */
const large = 416 * mebibyte;
const step = 40 * mebibyte;

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
  expect(collections(() => large - 1)).toEqual([]);
});

test("garbage is collected as soon as the process is too large, and again when it has grown anew", () => {
  const times = collections((now, lastAt) => large / 2 + ((now - lastAt) * large) / 2 / 1000);
  expect(times).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].map((seconds) => seconds * 1000));
});

test("a process that stays large, or grows slowly, is collected once, or once for each step", () => {
  expect(collections(() => 2 * large)).toEqual([0]);
  const times = collections((now) => 2 * large + (step * now) / 4000);
  expect(times).toEqual([0, 4000, 8000]);
});

test("collections take at most a third of the time", () => {
  const sizes = (now: number, lastAt: number): number => (now - lastAt > 100 ? 2 * large : large);
  expect(collections(sizes).length).toBeGreaterThan(40);
  expect(collections(sizes, 500).length).toBeLessThan(8);
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
