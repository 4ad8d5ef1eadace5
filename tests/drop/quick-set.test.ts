import { expect, test } from "bun:test";
import { quickSet } from "../../src/drop/scenarios/catalogue.ts";
import { playedVirtuallyTogether } from "../support/virtual-drop.ts";

/** Milliseconds after its start, the broker looks for silent clients for the first time. */
const sweepMs = 11_000;
const mostMs = 15_000;

test("the quick set takes less than 15 s on a broker that ends silent clients after 11 s", async () => {
  const { results, elapsedMs } = await playedVirtuallyTogether(
    quickSet(),
    { rules: { keepAliveSweepMs: sweepMs } },
    // As the command does by default.
    { keepAliveSeconds: 2, waitMs: 8000, goesOn: true, triesAlone: 2 },
  );
  const silent = results.filter(({ id }) => id === "half-open");
  expect(silent.map(({ verdict }) => verdict)).toEqual(["late", "late"]);
  expect(results.filter(({ verdict }) => verdict === "fail")).toEqual([]);
  expect(elapsedMs).toBeGreaterThan(sweepMs);
  expect(elapsedMs).toBeLessThan(mostMs);
});
