import { describe, expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../src/core/quirks/planted.ts";
import { simulate } from "./simulation.ts";

/** Seeds within which the referee has to see a planted quirk; most are seen by the first. */
const within = 200;

// The keys of a record that is spelled out are those of its type.
const names = Object.keys(plantedQuirks) as PlantedQuirk[];

describe("a broker with one planted quirk is found out", () => {
  for (const name of names) {
    test(
      name,
      () => {
        expect(firstRule(name)).toBeString();
      },
      30_000,
    );
  }
});

/** The rule that the quirk breaks first; null: the referee saw none broken. */
function firstRule(name: PlantedQuirk): string | null {
  for (let seed = 1; seed <= within; seed++) {
    const { failure } = simulate({ seed, steps: 1500, rules: plantedQuirks[name] });
    if (failure !== null) return failure.rule;
  }
  return null;
}
