import { expect, test } from "bun:test";
import { estimate } from "../../../src/drop/report/estimate.ts";
import { catalogue, quickSet } from "../../../src/drop/scenarios/catalogue.ts";

const asked = {
  versions: [4, 5],
  via: null,
  keepAliveSeconds: 2,
  waitMs: 8000,
  goesOn: true,
  serial: false,
} as const;

/** Seconds. */
function secondsOf(text: string | null): number {
  const [, minutes = "0", seconds = "0"] =
    /about (?:(\d+) min)? ?(?:(\d+) s)?/.exec(text ?? "") ?? [];
  return Number(minutes) * 60 + Number(seconds);
}

test("a run that takes long says so beforehand, the quick set does not", () => {
  expect(estimate({ ...asked, scenarios: quickSet() })).toBeNull();
  const all = estimate({ ...asked, scenarios: catalogue });
  expect(all).toContain(`${catalogue.length} scenarios: about `);
  expect(all).toEndWith("and up to 1 min more where the broker does not end silent clients");
  expect(secondsOf(all)).toBeGreaterThan(20);
});

test("one after the other, and at a second address, it takes longer", () => {
  const scenarios = quickSet();
  const serial = secondsOf(estimate({ ...asked, scenarios, serial: true }));
  const via = {
    transport: "tcp",
    host: "h",
    port: 1,
    path: "",
    username: null,
    tls: null,
    password: null,
  } as const;
  expect(serial).toBeGreaterThan(100);
  const twice = secondsOf(estimate({ ...asked, scenarios, serial: true, via }));
  expect(twice).toBeGreaterThan(serial * 1.9);
  expect(estimate({ ...asked, scenarios, serial: true, goesOn: false })).toContain(
    "up to 8 s more",
  );
});
