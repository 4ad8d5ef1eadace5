import { describe, expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../src/core/quirks/planted.ts";
import { plantedFaults } from "./planted-faults.ts";
import { simulate, type SimulationOptions } from "./simulation.ts";
import { unseen } from "./unseen.ts";

/** Seeds within which the referee must find a planted quirk; the first finds most. */
const within = 200;
/** For rare sights, to save time: a seed not far before the first one that sees the quirk. */
const begins: Partial<Record<PlantedQuirk, number>> = { "E5-newer-wills-hold-up-older": 300 };

// The keys of a record that is spelled out are those of its type.
const names = Object.keys(plantedQuirks) as PlantedQuirk[];

describe("the referee detects each planted quirk", () => {
  for (const name of names) {
    if (name in unseen) continue;
    test(
      name,
      () => {
        expect(firstRule({ rules: plantedQuirks[name] }, begins[name])).toBeString();
      },
      180_000,
    );
  }
});

describe("the referee detects each planted fault", () => {
  for (const [name, fault] of Object.entries(plantedFaults)) {
    test(
      name,
      () => {
        expect(firstRule({ fault })).toBeString();
      },
      180_000,
    );
  }
});

/** The first rule that is broken; null: the referee saw none broken. */
function firstRule(planted: Pick<SimulationOptions, "rules" | "fault">, first = 1): string | null {
  for (let seed = first; seed < first + within; seed++) {
    const { failure } = simulate({ seed, steps: 1500, ...planted });
    if (failure !== null) return failure.rule;
  }
  return null;
}
