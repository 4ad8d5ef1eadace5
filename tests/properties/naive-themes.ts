import { expect } from "bun:test";
import fc from "fast-check";
import { actsOf, never, type Act, type Theme } from "./naive-acts.ts";
import { Play, type PlayOptions } from "./naive-play.ts";

/** The subject of a test file's histories. */
export const themes = {
  wills: {
    clients: 3,
    weights: {
      connect: 8,
      publish: 3,
      subscribe: 3,
      unsubscribe: 1,
      acknowledge: 3,
      ping: 3,
      begin: 1,
      violate: 1,
      kick: 1,
      drop: 4,
      disconnect: 3,
      advance: 6,
    },
    topics: ["w/0", "w/1", "w"],
    filters: ["#", "w/#", "w/+", "w/0", "+/1", "w"],
    willTopics: ["w/0", "w/1", "w"],
    keepAlives: [0, 1, 2, 4, 10],
    expiries: [null, 0, 1, 2, 5, 30, never],
  },
  delivery: {
    clients: 4,
    weights: {
      connect: 5,
      publish: 18,
      subscribe: 9,
      unsubscribe: 3,
      acknowledge: 10,
      stray: 1,
      kick: 1,
      drop: 2,
      disconnect: 1,
      advance: 2,
    },
    topics: [
      "a",
      "a/b",
      "a/c",
      "b",
      "b/c",
      "/b",
      "$x/a",
      "$SYS/x",
      "$SYS/broker/connection/b/state",
    ],
    filters: [
      ...["$SYS/#", "#", "+", "a/#", "a/+", "+/b", "a/b", "b", "$x/#", "$x/+", "/+"],
      // No two groups match one topic, and none matches a will's: a test sees for which member of
      // which group a message waits only if an act makes no other message wait.
      ...["$share/g/a/+", "$share/g/a/+", "$share/h/b", "$share/g/b/c"],
    ],
    willTopics: ["will"],
    keepAlives: [0, 0, 10],
    expiries: [null, 30, 100, never],
  },
  shares: {
    clients: 3,
    weights: {
      connect: 7,
      publish: 14,
      subscribe: 9,
      unsubscribe: 1,
      acknowledge: 6,
      kick: 1,
      drop: 4,
      disconnect: 3,
      advance: 3,
    },
    topics: ["a/b", "a/c", "b"],
    filters: ["$share/g/a/+", "$share/g/a/+", "$share/h/b", "b"],
    willTopics: ["will"],
    keepAlives: [0, 0, 1],
    expiries: [null, 0, 1, 3, 30],
  },
  retained: {
    clients: 3,
    weights: {
      connect: 5,
      publish: 10,
      subscribe: 10,
      unsubscribe: 2,
      acknowledge: 8,
      drop: 1,
      disconnect: 1,
      advance: 3,
    },
    topics: ["a", "a/b", "a/c", "b", "/b", "$x/a"],
    filters: ["#", "+", "a/#", "a/+", "+/b", "a/b", "b", "$x/#", "$share/g/a/c"],
    willTopics: ["a/b"],
    keepAlives: [0, 0, 10],
    expiries: [null, 0, 30, 100, never],
  },
} as const satisfies Record<string, Theme>;

/** Histories of one theme, played to the broker and to the naive broker. */
export function historiesOf(theme: Theme): fc.Arbitrary<Act[]> {
  return fc.array(actsOf(theme), { maxLength: 80, size: "max" });
}

/**
 * Plays `runs` histories, or the number in the environment variable MQTTD_NAIVE_RUNS: 300 take
 * about a second. Returns how often each kind of line occurred. fast-check prints the seed of a
 * failure.
 */
export function playAll(
  theme: Theme,
  runs: number,
  options: () => Omit<PlayOptions, "clients"> = () => ({}),
): Map<string, number> {
  const tally = new Map<string, number>();
  fc.assert(
    fc.property(historiesOf(theme), (history) => {
      for (const [word, count] of playOnce(theme, history, options())) {
        tally.set(word, (tally.get(word) ?? 0) + count);
      }
    }),
    { numRuns: Number(process.env["MQTTD_NAIVE_RUNS"] ?? runs), includeErrorInReport: true },
  );
  return tally;
}

export function playOnce(
  theme: Theme,
  history: readonly Act[],
  options: Omit<PlayOptions, "clients"> = {},
): ReadonlyMap<string, number> {
  const play = new Play({ clients: theme.clients, ...options });
  for (const act of history) play.run(act);
  play.finish();
  return play.tally;
}

/** Histories that do not reach their subject prove nothing. */
export function expectMany(tally: ReadonlyMap<string, number>, words: readonly string[]): void {
  const few = words.filter((word) => (tally.get(word) ?? 0) < 10);
  expect(few).toEqual([]);
}
