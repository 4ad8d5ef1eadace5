import { describe, expect, test } from "bun:test";
import { catalogue } from "./catalogue.ts";
import { casesOf, type Case } from "./check.ts";
import { quirks } from "./quirks/all.ts";
import { QuirkyPort, type Quirk } from "./quirky-port.ts";
import { statementsOf } from "../../src/standard/statements.ts";
import { outcomeOf } from "./run.ts";
import { VirtualPort } from "./virtual-port.ts";

/** Longer than any wait of a check. */
const patienceMs = 4000;

const cases = casesOf(catalogue);

function broken({ breaks }: Quirk): string[] {
  return breaks.split(/\s+/).filter((id) => id !== "");
}

/** Whether a case detects a quirk of the broker. */
async function sees(each: Case, quirk: Quirk): Promise<boolean> {
  const options = { ...each.check.needs?.options, ...quirk.options };
  const port = new QuirkyPort(new VirtualPort(options, patienceMs), quirk, each.version);
  return (await outcomeOf(each, port)).verdict === "disagrees";
}

describe("checks of the statements that a quirk breaks detect the quirk", () => {
  for (const quirk of quirks) {
    test(quirk.name, async () => {
      const ids = broken(quirk);
      const found = new Set<string>();
      for (const each of cases) {
        if (!each.statements.some((id) => ids.includes(id))) continue;
        if (await sees(each, quirk)) for (const id of each.statements) found.add(id);
      }
      expect(ids.filter((id) => !found.has(id))).toEqual([]);
    });
  }
});

test("for each tested statement some quirk breaks it", () => {
  const all = new Set(quirks.flatMap(broken));
  const tested = ([4, 5] as const)
    .flatMap((version) => statementsOf(version))
    .flatMap(({ id, status }): string[] => (status === "tested" ? [id] : []));
  expect(tested.filter((id) => !all.has(id))).toEqual([]);
  expect([...all].filter((id) => !tested.includes(id))).toEqual([]);
});

test("each check fails for a quirk that breaks one of its statements", async () => {
  const blind: string[] = [];
  for (const each of cases) {
    let isFound = false;
    for (const quirk of quirks) {
      const ids = broken(quirk);
      if (!each.statements.some((id) => ids.includes(id))) continue;
      isFound ||= await sees(each, quirk);
    }
    if (!isFound) blind.push(each.name);
  }
  expect(blind).toEqual([]);
});
