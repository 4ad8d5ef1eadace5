import { expect, test } from "bun:test";
import fc from "fast-check";
import { plantedQuirks, type PlantedQuirk } from "../../src/core/quirks/planted.ts";
import type { Rules } from "../../src/core/quirks/rules.ts";
import { historiesOf, playOnce, themes } from "./naive-themes.ts";

/** Quirks that a comparison of received packets cannot see, and why. */
const unseen: Partial<Record<PlantedQuirk, string>> = {
  "A1-no-deadline-while-output-waits": "every client takes what it is sent here",
  "A3-deadlines-late-in-a-crowd": "no history has more than 50 connections",
  "A4-unread-packets-do-not-count": "no loop stands still here",
  "B1-bridge-publishes-nothing": "no client is a bridge here",
  "B3-will-lost-behind-queue": "no queue holds more than 100 messages here",
  "C3-goodbye-with-properties-publishes": "no DISCONNECT has a Reason String here",
  "F-dollar-topic-reaches-wildcards": "no will is on a topic that begins with $ here",
  "G-denied-will-taken": "every topic is allowed here",
  "G-invalid-will-taken": "mqtt-packet writes no CONNECT with such a will",
};

function check(rules: Partial<Rules>, numRuns = 2000): { readonly failed: boolean } {
  const property = fc.property(historiesOf(themes.wills), (history) => {
    playOnce(themes.wills, history, { rules });
  });
  return fc.check(property, { seed: 1, numRuns, endOnFailure: true });
}

for (const name of Object.keys(plantedQuirks) as PlantedQuirk[]) {
  if (name in unseen) continue;
  test(`${name} is found`, () => {
    expect(check(plantedQuirks[name]).failed).toBe(true);
  });
}

test("with the same seed and no quirk there is no difference", () => {
  expect(check({}, 150).failed).toBe(false);
});
