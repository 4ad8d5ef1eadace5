import { expect, test } from "bun:test";
import { simulate } from "./simulation.ts";

test("64 worlds in trouble each come to rest", () => {
  const failures: string[] = [];
  for (let seed = 1; seed <= 64; seed++) {
    const { failure } = simulate({ seed, steps: 2000 });
    if (failure !== null) failures.push(`seed ${seed}: ${failure.text}`);
  }
  expect(failures).toEqual([]);
}, 180_000);

test("the same seed is the same world to the last byte, and another seed is a different one", () => {
  const hashes = [11, 12, 13].map((seed) => simulate({ seed, steps: 1500 }).hash);
  const again = [11, 12, 13].map((seed) => simulate({ seed, steps: 1500 }).hash);
  expect(again).toEqual(hashes);
  expect(new Set(hashes).size).toBe(3);
}, 180_000);
