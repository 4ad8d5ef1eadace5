import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import path from "node:path";
import { EmbeddedBroker } from "../support/embedded.ts";
import { Mosquitto, mosquittoMissing } from "../support/mosquitto.ts";
import { catalogue } from "./catalogue.ts";
import { casesOf, type Case } from "./check.ts";
import { countOf, isStatement, statementsOf } from "../../src/standard/statements.ts";
import { runAll, type Outcome } from "./run.ts";
import { SocketPort } from "./socket-port.ts";

const root = path.resolve(import.meta.dir, "../..");
const cases = casesOf(catalogue);

/** Groups that wait for no deadline, and therefore take no time. */
const quick = ["data representation and packet format", "SUBSCRIBE and SUBACK", "flow control"];

function of(names: readonly string[]): Case[] {
  return cases.filter(({ group }) => names.includes(group));
}

function naming(...ids: readonly string[]): Case[] {
  return cases.filter(({ statements }) => statements.some((id) => ids.includes(id)));
}

function verdicts(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(outcomes.map(({ case: each, verdict }) => [each.name, verdict]));
}

test("the checks pass over a real socket as they do in virtual time", async () => {
  using broker = await EmbeddedBroker.start();
  const outcomes = await runAll(of(quick), new SocketPort(broker.target, 10_000), 16);
  const notPassed = outcomes.filter(({ verdict }) => verdict !== "passed");
  expect(notPassed).toMatchObject([
    { verdict: "skipped", why: "needs filters that nobody may subscribe to" },
    { verdict: "skipped", why: "needs filters that nobody may subscribe to" },
  ]);
  expect(outcomes.length).toBeGreaterThan(60);
}, 180_000);

test("a run leaves nothing behind on the broker", async () => {
  using broker = await EmbeddedBroker.start();
  const leaving = naming("v4-3.3.1-5", "v5-3.1.2-23", "v4-3.1.2-17", "v5-3.8.4-4");
  await runAll(leaving, new SocketPort(broker.target, 10_000), 4);
  const { sessions } = broker.broker.view();
  expect({ sessions, retained: broker.broker.retained.count }).toEqual({
    sessions: [],
    retained: 0,
  });
}, 180_000);

test("a quirk is found over a real socket", async () => {
  using broker = await EmbeddedBroker.start({ rules: { willOnEnd: { disconnected: "publish" } } });
  const outcomes = await runAll(naming("v4-3.14.4-3"), new SocketPort(broker.target, 1000), 1);
  expect(outcomes).toMatchObject([
    { verdict: "disagrees", statements: ["v4-3.14.4-3"], expected: "nothing" },
  ]);
});

test.skipIf(mosquittoMissing !== null)(
  "mosquitto agrees, except for its known disagreements",
  async () => {
    await using mosquitto = await Mosquitto.start();
    const known = naming("v5-3.8.3-4", "v5-3.3.4-6", "v4-3.3.5-1", "v5-3.3.1-10", "v5-4.7.2-1");
    const outcomes = await runAll(known, new SocketPort(mosquitto.target, 4000), 8);
    expect(verdicts(outcomes)).toMatchInlineSnapshot(`
      {
        "v4-3.3.5-1 · overlapping subscriptions: the highest QoS among them arrives": "disagrees",
        "v5-3.3.1-10 · Retain Handling 1: a subscription of a session that goes on is not new": "passed",
        "v5-3.3.1-10 · Retain Handling 1: retained messages at a new subscription only": "passed",
        "v5-3.3.4-6 · a client's Subscription Identifier closes the connection": "disagrees",
        "v5-3.8.3-4 · No Local on a shared subscription closes the connection": "disagrees",
        "v5-4.7.2-1 · filters that begin with a wildcard do not match topics that begin with $": "passed",
      }
    `);
  },
  180_000,
);

test("docs/conformance.md has the ledger's figures, and names only statements that exist", () => {
  const text = readFileSync(path.join(root, "docs/conformance.md"), "utf8");
  const rows = ([4, 5] as const).map((version) => [
    version === 4 ? "3.1.1" : "5.0",
    statementsOf(version).length,
    countOf(version, "tested"),
    countOf(version, "gap"),
    countOf(version, "not applicable"),
  ]);
  const table = text.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
  for (const row of rows) expect(table).toContainEqual(["", ...row.map(String), ""]);
  const named = text.match(/v[45]-[\d.]+-\d+/g) ?? [];
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((id) => !isStatement(id))).toEqual([]);
});
