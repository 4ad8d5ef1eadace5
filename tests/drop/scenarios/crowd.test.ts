import { expect, test } from "bun:test";
import { crowdScenarios } from "../../../src/drop/scenarios/crowd.ts";
import type { Result } from "../../../src/drop/scenario.ts";
import { silenceScenarios } from "../../../src/drop/scenarios/silence.ts";
import type { Link } from "../../../src/transport/transport.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "../../support/embedded.ts";
import { mosquittoMissing } from "../../support/mosquitto.ts";
import {
  expectVerdicts,
  named,
  passes,
  played,
  playedOnMosquitto,
  turn,
} from "../../support/played.ts";

const why = mosquittoMissing === null ? "" : ` (skipped: ${mosquittoMissing})`;
const boundMs = 180_000;
const crowd = [named(crowdScenarios, "crowd")];
const silent = [named(crowdScenarios, "crowd-silent")];

test.concurrent(
  "our broker reports 200 deaths at once, each one time",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(crowd, broker.target);
    expectVerdicts(results, passes(crowd));
    const ends = broker.events.filter(({ event }) => event === "ended");
    const published = ends.filter((end) => end.event === "ended" && end.will?.fate === "published");
    expect(published).toHaveLength(400);
  },
  boundMs,
);

test.concurrent(
  "our broker finds 100 clients that fall silent at once, each at its time",
  async () => {
    using broker = await EmbeddedBroker.start();
    const results = await played(silent, broker.target);
    expectVerdicts(results, passes(silent));
    for (const { latenessMs } of results) expect(latenessMs).toBeGreaterThan(-100);
  },
  boundMs,
);

const short = { versions: [5], keepAliveSeconds: 1, waitMs: 500, toleranceMs: 300 } as const;

test.concurrent(
  "a crowd that a slow sweep finds is late, as half-open is, and not unreported",
  async () => {
    await turn();
    using broker = await EmbeddedBroker.start({ rules: { keepAliveSweepMs: 6000 } });
    const both = [named(silenceScenarios, "half-open"), ...silent];
    const results = await played(both, broker.target, { ...short, goesOn: true });
    const late = ["half-open v5: late (late)", "crowd-silent v5: late (late)"];
    expectVerdicts(results, late);
  },
  2 * boundMs,
);

test.concurrent(
  "whether a crowd is found late or never is not said after a short wait",
  async () => {
    await turn();
    using broker = await EmbeddedBroker.start({ rules: { keepAliveSweepMs: 60_000 } });
    const [result] = await played(silent, broker.target, short);
    const means = expect.stringContaining("no deadline or a late one is not known");
    expect(result).toMatchObject({ failure: "never", means });
  },
  boundMs,
);

test.concurrent.skipIf(mosquittoMissing !== null)(
  `mosquitto 2.0.11 does too${why}`,
  async () => {
    const results = await playedOnMosquitto(crowd, { versions: [4] });
    expectVerdicts(results, passes(crowd, [4]));
  },
  boundMs,
);

/** Plays against a broker that is told of some ends of connections only. */
async function playedDeaf(hears: (link: Link) => boolean, options = {}): Promise<Result[]> {
  const between: EmbeddedOptions["between"] = (events) => ({
    ...events,
    closed: (link, how) => {
      if (how !== "reset" || hears(link)) events.closed(link, how);
    },
  });
  using broker = await EmbeddedBroker.start({ between });
  const results = await played(crowd, broker.target, {
    versions: [5],
    waitMs: 500,
    ...options,
  });
  return results;
}

test.concurrent(
  "deaths that stay unreported are counted",
  async () => {
    let heard = 0;
    const [result] = await playedDeaf(() => ++heard % 10 !== 0);
    expect(result).toMatchObject({
      verdict: "fail",
      failure: "broken",
      detail: "20 of 200 deaths unreported",
      means: expect.stringContaining("some deaths are not reported"),
    });
  },
  boundMs,
);

test.concurrent(
  "none at all is never",
  async () => {
    const [result] = await playedDeaf(() => false);
    expect(result).toMatchObject({ verdict: "fail", failure: "never" });
  },
  boundMs,
);

test.concurrent(
  "a load is not for somebody else's broker, unless it is asked for by name",
  async () => {
    using broker = await EmbeddedBroker.start();
    // This machine, by an address that is none of loopback's.
    const elsewhere = { ...broker.target, host: "0.0.0.0" };
    const [result] = await played(crowd, elsewhere, { versions: [4] });
    const detail = "puts load on the broker: plays only against this machine, or when named";
    expect(result).toMatchObject({ verdict: "skipped", detail });
    const named = { versions: [4], named: new Set(["crowd"]) } as const;
    expectVerdicts(await played(crowd, elsewhere, named), ["crowd v4: pass"]);
  },
  boundMs,
);
