import { expect, test } from "bun:test";
import { dial } from "../../../src/client/dial.ts";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import { delayScenarios } from "../../../src/drop/scenarios/delay.ts";
import type { Scenario } from "../../../src/drop/scenario.ts";
import { EmbeddedBroker } from "../../support/embedded.ts";
import { HeldUp } from "../../support/held-up.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import {
  expectVerdicts,
  named,
  passes,
  played,
  playedOnMosquitto,
  playedOnOurs,
} from "../../support/played.ts";

const boundMs = 180_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;
const on = { versions: [5] } as const;

/** The scenario as it looks when only its second arm counts. */
const sessionEnd = named(delayScenarios, "delay-session-end");
const secondArm: Scenario = {
  ...sessionEnd,
  play: async (stage) => (await sessionEnd.play(stage)).filter(({ arm }) => arm === "expiry 2 s"),
};

test.concurrent(
  "our broker keeps delays",
  async () => {
    const results = await playedOnOurs(delayScenarios, {}, on);
    expectVerdicts(results, passes(delayScenarios, [5]));
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 lets newer wills hold up older ones, and delays those of ended sessions${why}`,
  async () => {
    expectVerdicts(await playedOnMosquitto([...delayScenarios, secondArm], on), [
      "delay v5: pass",
      "delay-cancel v5: pass",
      "delay-session-end v5: fail (broken)",
      "delay-churn v5: fail (broken)",
      "delay-session-end v5: pass",
    ]);
  },
  boundMs,
);

test(
  "a return that our own stall delays beyond the will is no broker's fault",
  async () => {
    using embedded = await EmbeddedBroker.start();
    const hasDied = (): boolean =>
      embedded.events.some((event) => event.event === "ended" && event.will?.fate === "delayed");
    const stalled: typeof dial = async (...to) => {
      // Planted: this process stands still while the will, due in one second, is published.
      if (hasDied()) Bun.sleepSync(1500);
      return dial(...to);
    };
    const scenarios = [named(delayScenarios, "delay-cancel")];
    const playing = played(scenarios, embedded.target, { ...on, dial: stalled });
    expect(await playing.catch((error: unknown) => error)).toBeInstanceOf(HeldUp);
  },
  boundMs,
);

const quirks: readonly (readonly [PlantedQuirk, Scenario, verdict: string, detail: RegExp])[] = [
  ["E1-delay-ignored", named(delayScenarios, "delay"), "fail (early)", /due at 2\.00 s$/],
  [
    "E2-return-does-not-cancel",
    named(delayScenarios, "delay-cancel"),
    "fail (spurious)",
    /after 2\./,
  ],
  ["E3-session-end-does-not-cut-delay", secondArm, "fail (broken)", /at the end of its delay/],
  ["E3-session-end-cuts-delay-on-expiry-only", sessionEnd, "fail (broken)", /after 5\./],
  ["E3-session-end-cuts-delay-on-expiry-only", secondArm, "pass", /after 2\./],
  [
    "E5-newer-wills-hold-up-older",
    named(delayScenarios, "delay-churn"),
    "fail (broken)",
    /had stop/,
  ],
];

for (const [quirk, scenario, verdict, detail] of quirks) {
  const arm = scenario === secondArm ? ", second arm" : "";
  test.concurrent(
    `${scenario.id}${arm}, on ${quirk}: ${verdict}`,
    async () => {
      const [result] = await playedOnOurs([scenario], { rules: plantedQuirks[quirk] }, on);
      expectVerdicts(result === undefined ? [] : [result], [`${scenario.id} v5: ${verdict}`]);
      expect(result?.detail).toMatch(detail);
      expect(result?.means === null).toBe(verdict === "pass");
    },
    boundMs,
  );
}
