import { describe, expect, test } from "bun:test";
import { catalogue } from "./catalogue.ts";
import { casesOf, type Case } from "./check.ts";
import { faults } from "./faults/all.ts";
import { FaultyPort, type Fault } from "./faulty-port.ts";
import { statementsOf } from "./ledger.ts";
import { outcomeOf } from "./run.ts";
import { VirtualPort } from "./virtual-port.ts";

/** Longer than anything that a check waits for takes. */
const patienceMs = 4000;

const cases = casesOf(catalogue);

function broken({ breaks }: Fault): string[] {
  return breaks.split(/\s+/).filter((id) => id !== "");
}

/** Whether a case sees that the broker has a fault. */
async function sees(each: Case, fault: Fault): Promise<boolean> {
  const options = { ...each.check.needs?.options, ...fault.options };
  const port = new FaultyPort(new VirtualPort(options, patienceMs), fault, each.version);
  return (await outcomeOf(each, port)).verdict === "disagrees";
}

describe("a broker with a fault is found out, by the statements that the fault breaks", () => {
  for (const fault of faults) {
    test(fault.name, async () => {
      const ids = broken(fault);
      const found = new Set<string>();
      for (const each of cases) {
        if (!each.statements.some((id) => ids.includes(id))) continue;
        if (await sees(each, fault)) for (const id of each.statements) found.add(id);
      }
      expect(ids.filter((id) => !found.has(id))).toEqual([]);
    });
  }
});

test("each statement that counts as tested is broken by a fault", () => {
  const all = new Set(faults.flatMap(broken));
  const tested = ([4, 5] as const)
    .flatMap((version) => statementsOf(version))
    .flatMap(({ id, status }): string[] => (status === "tested" ? [id] : []));
  expect(tested.filter((id) => !all.has(id))).toEqual([]);
  expect([...all].filter((id) => !tested.includes(id))).toEqual([]);
});

test("each check fails for a fault that breaks one of its statements", async () => {
  const blind: string[] = [];
  for (const each of cases) {
    let isFound = false;
    for (const fault of faults) {
      const ids = broken(fault);
      if (!each.statements.some((id) => ids.includes(id))) continue;
      isFound ||= await sees(each, fault);
    }
    if (!isFound) blind.push(each.name);
  }
  expect(blind).toEqual([]);
});
