import { expect, test } from "bun:test";
import { plantedQuirks, type PlantedQuirk } from "../../../src/core/quirks/planted.ts";
import { takeoverScenarios } from "../../../src/drop/scenarios/takeover.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import {
  expectVerdicts,
  named,
  passes,
  playedOnMosquitto,
  playedOnOurs,
} from "../../support/played.ts";

const boundMs = 180_000;
const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;

test.concurrent(
  "our broker does right by those who are taken over",
  async () => {
    expectVerdicts(await playedOnOurs(takeoverScenarios), passes(takeoverScenarios));
  },
  boundMs,
);

test.concurrent(
  "MQTT 3.1 knows shorter client ids, and takeovers too",
  async () => {
    const results = await playedOnOurs(takeoverScenarios, {}, { versions: [3] });
    expectVerdicts(results, passes(takeoverScenarios, [3]));
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 loses the will of a resumed session, and a delayed one of an ended session${why}`,
  async () => {
    expectVerdicts(await playedOnMosquitto(takeoverScenarios), [
      "takeover v4: fail (never)",
      "takeover v5: fail (never)",
      "takeover-clean v4: pass",
      "takeover-clean v5: pass",
      "takeover-delay v4: skipped",
      "takeover-delay v5: pass",
      "takeover-delay-clean v4: skipped",
      "takeover-delay-clean v5: finding (never)",
      "ghost v4: pass",
      "ghost v5: pass",
    ]);
  },
  boundMs,
);

const quirks: readonly (readonly [PlantedQuirk, id: string, verdict: string])[] = [
  ["D1-takeover-loses-will", "takeover", "fail (never)"],
  ["F-published-twice", "takeover", "fail (twice)"],
  ["D1-clean-takeover-loses-will", "takeover-clean", "fail (never)"],
  ["D1-takeover-publishes-delayed-will", "takeover-delay", "fail (spurious)"],
  ["D2-clean-takeover-loses-delayed-will", "takeover-delay-clean", "finding (never)"],
  ["D4-old-deadline-ends-new-connection", "ghost", "fail (broken)"],
  ["D1-clean-takeover-loses-will", "ghost", "fail (never)"],
];

for (const [quirk, id, verdict] of quirks) {
  test.concurrent(
    `${id} finds ${quirk}`,
    async () => {
      const scenario = named(takeoverScenarios, id);
      const [result] = await playedOnOurs(
        [scenario],
        { rules: plantedQuirks[quirk] },
        { versions: [5] },
      );
      expectVerdicts(result === undefined ? [] : [result], [`${id} v5: ${verdict}`]);
      expect(result?.means).not.toBeNull();
    },
    boundMs,
  );
}

test.concurrent(
  "a broker that keeps no sessions is not judged by what needs one",
  async () => {
    const scenarios = ["takeover", "takeover-delay"].map((id) => named(takeoverScenarios, id));
    const limits = { sessionExpiryMaxSeconds: 0 };
    const results = await playedOnOurs(scenarios, { limits }, { versions: [5] });
    expect(results.map(({ verdict, detail }) => `${verdict}: ${detail}`)).toEqual([
      "skipped: the broker cuts the session expiry to 0 s, below 1 s",
      "skipped: the broker cuts the session expiry to 0 s, below 3 s",
    ]);
  },
  boundMs,
);
