import type { ClientVersion } from "../../src/client/machine.ts";
import { Broker, type BrokerOptions } from "../../src/core/broker.ts";
import type { RunOptions } from "../../src/drop/run.ts";
import type { Result, Scenario } from "../../src/drop/scenario.ts";
import { anonymousOnly } from "../../src/server/auth.ts";
import { Clock } from "../../src/server/driver/clock.ts";
import { SystemTimer } from "../../src/server/driver/deadline-timer.ts";
import { Driver } from "../../src/server/driver/driver.ts";
import { localTarget } from "./embedded.ts";
import { played } from "./played.ts";
import { VirtualNet } from "./virtual-net.ts";
import { VirtualTime } from "./virtual-time.ts";

/** One scenario against one broker, in one version of the protocol. */
export interface VirtualRun {
  readonly scenario: Scenario;
  readonly version: ClientVersion;
  readonly broker: BrokerOptions;
  readonly options?: Partial<RunOptions>;
}

/**
 * Plays each run against a broker of ours of its own, all at the same time, in virtual time and with
 * connections in memory: no result depends on the machine. Throws what was wrong inside a broker.
 */
export async function playedVirtually(runs: readonly VirtualRun[]): Promise<Result[]> {
  using time = new VirtualTime();
  const net = new VirtualNet();
  const playing = runs.map(async ({ scenario, version, broker, options }) =>
    playedOn(net, broker, [scenario], { versions: [version], ...options }),
  );
  const results = await time.until(Promise.all(playing));
  return results.flat();
}

/** Plays scenarios as one run against one broker that has just started. Virtual milliseconds. */
export async function playedVirtuallyTogether(
  scenarios: readonly Scenario[],
  broker: BrokerOptions,
  options: Partial<RunOptions>,
): Promise<{ readonly results: readonly Result[]; readonly elapsedMs: number }> {
  using time = new VirtualTime();
  const began = performance.now();
  const results = await time.until(playedOn(new VirtualNet(), broker, scenarios, options));
  return { results, elapsedMs: performance.now() - began };
}

async function playedOn(
  net: VirtualNet,
  options: BrokerOptions,
  scenarios: readonly Scenario[],
  run: Partial<RunOptions>,
): Promise<Result[]> {
  const clock = new Clock({
    monotonic: () => performance.now(),
    wall: () => Date.now(),
    // It does not sleep.
    sinceBoot: () => performance.now(),
  });
  const faults: unknown[] = [];
  const broker = new Broker(options, clock.now());
  const driver = new Driver({
    broker,
    clock,
    log: { note: () => {}, logs: () => false },
    authenticate: anonymousOnly,
    outputBytes: 1024 * 1024,
    timer: (onDue) => new SystemTimer(clock, onDue),
    onFault: (fault) => void faults.push(fault),
  });
  const policy = { name: "tcp", mountPoint: "", connections: Infinity, allowAnonymous: true };
  const port = net.listen(driver.eventsFor(policy));
  const results = await played(scenarios, localTarget(port), { dial: net.dial, ...run });
  driver.order({ type: "stopping" });
  driver.stopTimer();
  if (faults.length > 0) throw faults[0];
  return results;
}
