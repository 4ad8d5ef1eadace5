import { expect, test } from "bun:test";
import { Backoff } from "../../../src/server/accounts/backoff.ts";

const delays = (backoff: Backoff, address: string, username: string, failures: number) =>
  Array.from({ length: failures }, () => backoff.failed(address, username, 0).delayMs);

test("the first failure is answered at once, each further one after twice as long, up to the limit", () => {
  expect(delays(new Backoff(5000), "a", "u", 9)).toEqual([
    0, 100, 200, 400, 800, 1600, 3200, 5000, 5000,
  ]);
  expect(delays(new Backoff(5000), "a", "u", 100).at(-1)).toBe(5000);
  expect(delays(new Backoff(0), "a", "u", 5)).toEqual([0, 0, 0, 0, 0]);
});

test("each address and user name has its own, and a right password clears it", () => {
  const backoff = new Backoff(5000);
  delays(backoff, "a", "u", 5);
  expect(delays(backoff, "a", "v", 1)).toEqual([0]);
  expect(delays(backoff, "b", "u", 1)).toEqual([0]);
  backoff.succeeded("a", "u");
  expect(delays(backoff, "a", "u", 2)).toEqual([0, 100]);
});

test("after ten minutes without a failure it is forgotten", () => {
  const backoff = new Backoff(5000);
  delays(backoff, "a", "u", 5);
  expect(backoff.failed("a", "u", 599_999).count).toBe(6);
  expect(backoff.failed("a", "u", 599_999 + 600_000).count).toBe(1);
});

test("its memory is bounded: the pair that failed longest ago goes first", () => {
  const backoff = new Backoff(5000);
  delays(backoff, "first", "u", 3);
  for (let n = 0; n < 10_000; n++) backoff.failed(`${n}`, "x".repeat(1000), 0);
  expect(backoff.size).toBe(10_000);
  expect(backoff.failed("first", "u", 0).count).toBe(1);
});
