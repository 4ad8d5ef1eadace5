import { expect, test } from "bun:test";
import { storeFaults } from "./planted-faults.ts";
import { simulate } from "./simulation.ts";

const found = [1274, 3929, 5459, 6318];

/**
 * Worlds whose broker has a store, which is slow, and fails for a while, and from which the next
 * broker goes on when this one is killed in the middle of a batch: nothing is promised before it is
 * kept, the store has what the broker has, and the next broker has exactly what had been kept. No
 * session, message, will or retained message is lost or doubled between them.
 */
test("28 worlds with a store each come to rest", () => {
  const failures: string[] = [];
  // The last four have found something once.
  for (const seed of [...Array.from({ length: 24 }, (_, index) => index + 1), ...found]) {
    const { failure } = simulate({ seed, steps: 2000, store: true });
    if (failure !== null) failures.push(`seed ${seed}: ${failure.text}`);
  }
  expect(failures).toEqual([]);
}, 180_000);

test.each(Object.entries(storeFaults))(
  "the referee detects: %s",
  (_, fault) => {
    const rules = new Set<string>();
    for (let seed = 1; seed <= 50 && rules.size === 0; seed++) {
      const { failure } = simulate({ seed, steps: 1500, store: true, fault });
      if (failure !== null) rules.add(failure.rule);
    }
    expect([...rules]).toHaveLength(1);
  },
  180_000,
);
