import { describe, expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../src/core/quirks/planted.ts";
import { simulate } from "./simulation.ts";
import { unseen } from "./unseen.ts";

/** Seeds within which the referee must find a planted quirk; the first finds most. */
const within = 200;

// The keys of a record that is spelled out are those of its type.
const names = Object.keys(plantedQuirks) as PlantedQuirk[];

describe("the referee detects each planted quirk", () => {
  for (const name of names) {
    if (name in unseen) continue;
    test(
      name,
      () => {
        expect(firstRule(name)).toBeString();
      },
      30_000,
    );
  }
});

/** The first rule that the quirk breaks; null: the referee saw none broken. */
function firstRule(name: PlantedQuirk): string | null {
  for (let seed = 1; seed <= within; seed++) {
    const { failure } = simulate({ seed, steps: 1500, rules: plantedQuirks[name] });
    if (failure !== null) return failure.rule;
  }
  return null;
}
