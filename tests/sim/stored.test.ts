import { expect, test } from "bun:test";
import { storeFaults } from "./planted-faults.ts";
import { simulate } from "./simulation.ts";

/** Worlds that have found something once, with their steps of trouble. */
const found = [
  ...[1274, 3270, 3929, 5459, 6318, 8501].map((seed) => ({ seed, steps: 2000 })),
  ...[281, 2577].map((seed) => ({ seed, steps: 1000 })),
];

/**
 * Worlds whose broker has a store, which is slow, and fails for a while, and from which the next
 * broker goes on when this one is killed in the middle of a batch: nothing is promised before it is
 * kept, the store has what the broker has, and the next broker has exactly what had been kept. No
 * session, message, will or retained message is lost or doubled between them.
 */
test("32 worlds with a store each come to rest", () => {
  const failures: string[] = [];
  const drawn = Array.from({ length: 24 }, (_, index) => ({ seed: index + 1, steps: 2000 }));
  for (const { seed, steps } of [...drawn, ...found]) {
    const { failure } = simulate({ seed, steps, store: true });
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
