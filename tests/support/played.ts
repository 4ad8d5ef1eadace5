import { expect } from "bun:test";
import type { ClientVersion } from "../../src/client/machine.ts";
import type { Target } from "../../src/client/target.ts";
import { runScenarios, type RunOptions } from "../../src/drop/run.ts";
import type { Result, Scenario } from "../../src/drop/scenario.ts";
import { expectNotHeldUp, HeldUp } from "./held-up.ts";
import { all, now } from "./inbox.ts";
import { Lag, tellingMs } from "./lag.ts";
import { EmbeddedBroker, type EmbeddedOptions } from "./embedded.ts";
import { Mosquitto } from "./mosquitto.ts";

/** Of the run that each result is of. */
const lags = new WeakMap<Result, { readonly lostMs: number; readonly began: number }>();

/** Ignores the progress of a run. */
export const quiet: RunOptions["watch"] = {
  identified: () => {},
  started: () => {},
  waits: () => {},
  ended: () => {},
  doubted: () => {},
  said: () => {},
  lost: () => {},
  cleared: () => {},
};

/** Brokers and scenarios that are about to start. */
let beginning = Promise.resolve();

/**
 * Awaited before a broker starts. Brokers and scenarios that tests play in parallel start one after
 * the other, each in its own turn of the loop, so that no start delays another.
 */
export async function turn(): Promise<void> {
  beginning = beginning.then(async () => new Promise((resolve) => setTimeout(resolve)));
  return beginning;
}

/**
 * Plays scenarios against a loopback broker, as `simulate-drop` would. Rejects with HeldUp when one
 * of them could not be judged because of a stall.
 */
export async function played(
  scenarios: readonly Scenario[],
  target: Target,
  options: Partial<RunOptions> = {},
): Promise<Result[]> {
  const began = now();
  using lag = new Lag();
  const results = await runScenarios({
    scenarios,
    versions: [4, 5],
    target,
    via: null,
    keepAliveSeconds: 2,
    waitMs: 2000,
    goesOn: false,
    triesAlone: 0,
    toleranceMs: 1000,
    versionWaitMs: 0,
    clientId: null,
    will: {},
    deniedTopic: null,
    restartCommand: null,
    brokerPid: null,
    serial: false,
    named: new Set(),
    has: new Set(),
    signal: new AbortController().signal,
    watch: quiet,
    ...options,
  });
  const { lostMs } = lag;
  for (const result of results) lags.set(result, { lostMs, began });
  for (const { id, detail } of results) expectNotHeldUp(id, detail, began);
  return results;
}

/**
 * The keepalive in seconds of a scenario that plays beside many others: longer where a busy machine
 * would not let it finish what has to be done by the deadline.
 */
export function unhurried({ id }: Scenario, keepAliveSeconds: number): number {
  // A tenth of it is what one has to spare; the other sends megabytes by then.
  return ["late-ping", "not-reading"].includes(id)
    ? Math.max(keepAliveSeconds, 4)
    : keepAliveSeconds;
}

/** Plays each scenario against its own broker of ours, all in parallel. */
export async function playedOnOurs(
  scenarios: readonly Scenario[],
  broker: EmbeddedOptions = {},
  options: Partial<RunOptions> = {},
): Promise<Result[]> {
  return apart(scenarios, async (scenario) => {
    using embedded = await EmbeddedBroker.start(broker);
    // Awaited here: the broker stops when this function returns.
    const results = await played([scenario], embedded.target, unhurriedly(scenario, options));
    return results;
  });
}

/** Plays each scenario against its own mosquitto, all in parallel. */
export async function playedOnMosquitto(
  scenarios: readonly Scenario[],
  options: Partial<RunOptions> = {},
): Promise<Result[]> {
  return apart(scenarios, async (scenario) => {
    await using mosquitto = await Mosquitto.start();
    // Awaited here: the broker stops when this function returns.
    const results = await played([scenario], mosquitto.target, unhurriedly(scenario, options));
    return results;
  });
}

/** `rst v4: pass`, `takeover v5: fail (never)`. */
export function verdicts(results: readonly Result[]): string[] {
  return results.map(({ id, protocol, verdict, failure }) => {
    return `${id} v${protocol}: ${verdict}${failure === null ? "" : ` (${failure})`}`;
  });
}

/**
 * Compares the verdicts. A difference counts as held up where this process lost much of its time, be it in
 * pieces of which none is long enough for a doubt.
 */
export function expectVerdicts(
  results: readonly Result[],
  expected: readonly string[],
  order: "as played" | "any" = "as played",
): void {
  const ordered = (texts: readonly string[]): readonly string[] =>
    order === "any" ? texts.toSorted() : texts;
  const [found, wanted] = [ordered(verdicts(results)), ordered(expected)];
  const slowest = results
    .flatMap((result) => lags.get(result) ?? [])
    .toSorted((one, other) => other.lostMs - one.lostMs)[0];
  const isTelling = slowest !== undefined && slowest.lostMs > tellingMs;
  if (isTelling && !Bun.deepEquals(found, wanted)) {
    throw new HeldUp(found.join(", "), slowest.lostMs, slowest.began);
  }
  expect(found).toEqual(wanted);
}

/** The result of `verdicts` when every scenario of the protocol passes. */
export function passes(
  scenarios: readonly Scenario[],
  versions: readonly ClientVersion[] = [4, 5],
): string[] {
  return scenarios.flatMap(({ id, needs }) =>
    versions.map((version) => {
      const isKnown = version === 5 || !needs.includes("v5");
      return `${id} v${version}: ${isKnown ? "pass" : "skipped"}`;
    }),
  );
}

/** The scenario with this id; throws when there is none. */
export function named(scenarios: readonly Scenario[], id: string): Scenario {
  const found = scenarios.find((scenario) => scenario.id === id);
  if (found === undefined) throw new Error(`there is no scenario ${id}`);
  return found;
}

function unhurriedly(scenario: Scenario, options: Partial<RunOptions>): Partial<RunOptions> {
  return { ...options, keepAliveSeconds: unhurried(scenario, options.keepAliveSeconds ?? 2) };
}

async function apart(
  scenarios: readonly Scenario[],
  play: (scenario: Scenario) => Promise<Result[]>,
): Promise<Result[]> {
  return (await all(scenarios.map(play))).flat();
}
