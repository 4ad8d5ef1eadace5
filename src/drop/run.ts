import { NoAnswer, Refused, InvalidAnswer } from "../client/client.ts";
import { refusalText } from "../client/refusal.ts";
import { clientTransports, DialError } from "../client/dial.ts";
import type { ClientVersion } from "../client/machine.ts";
import type { Target } from "../client/target.ts";
import { isLoopback } from "../transport/loopback.ts";
import type { Need, Result, Scenario } from "./scenario.ts";
import { CalledOff, ControlFailed, NotOffered } from "./no-verdict.ts";
import { Stage, type StageOptions, type WillPlan } from "./stage.ts";
import { StallMeter } from "./lab/stall.ts";
import { inconclusive, judge, skipped } from "./verdict.ts";

export interface RunOptions {
  readonly scenarios: readonly Scenario[];
  readonly versions: readonly ClientVersion[];
  readonly target: Target;
  /** A second way to the same broker, whose results stand beside the first's. */
  readonly via: Target | null;
  readonly keepAlive: number;
  readonly waitMs: number;
  readonly toleranceMs: number;
  readonly clientId: string | null;
  readonly will: Partial<WillPlan>;
  readonly deniedTopic: string | null;
  readonly restartCommand: string | null;
  /** One after the other, whatever they need. */
  readonly serial: boolean;
  /** Scenario ids that the user named: they run against any address. */
  readonly named: ReadonlySet<string>;
  /** What this machine can do. */
  readonly has: ReadonlySet<Need>;
  readonly signal: AbortSignal;
  readonly watch: RunWatch;
}

/** Told as it goes, for live lines and NDJSON. */
export interface RunWatch {
  started(run: RunName): void;
  /** Monotonic milliseconds; `due`: when the will is, that is waited for; null: none is. */
  waits(run: RunName, what: string, until: number, due: number | null): void;
  ended(run: RunName, result: Result): void;
  /** There is no way to the broker, or no more; `fault`: DialError, Refused or NoAnswer. */
  lost(target: Target, fault: unknown): void;
  /** What a scenario that was called off held, and has taken back. */
  cleared(run: RunName, held: Held): void;
}

export interface Held {
  readonly connections: number;
  /** Sessions, retained messages, processes and the like. */
  readonly leftovers: number;
  /** What could not be taken back, and why. */
  readonly problems: readonly string[];
}

export interface RunName {
  readonly id: string;
  readonly protocol: ClientVersion;
  readonly target: Target;
}

/** The detail of a result that was called off. */
export const calledOffText = "called off";

/** How many scenarios play at the same time. */
const atOnce = 24;

/**
 * Plays the scenarios, those that do not disturb each other at the same time, and judges each.
 * Rejects with DialError or Refused when there is no way to the broker at all; otherwise every run
 * has a result, in the order of the catalogue.
 */
export async function runScenarios(options: RunOptions): Promise<Result[]> {
  const targets = options.via === null ? [options.target] : [options.target, options.via];
  const stalls = new StallMeter();
  try {
    const runs: Run[] = [];
    for (const target of targets) {
      const versions = await spoken(options, target).catch((fault: unknown) => {
        options.watch.lost(target, fault);
        throw fault;
      });
      for (const [version, unspoken] of versions) {
        for (const scenario of options.scenarios) {
          runs.push({ scenario, target, version, unspoken });
        }
      }
    }
    const results = new Map<Run, Result>();
    const lookouts = new Map<Target, Promise<void>>();
    const play = async (run: Run): Promise<void> => {
      if (options.signal.aborted) return;
      const result = await playOne(options, run, stalls);
      results.set(run, result);
      if (result.verdict !== "inconclusive" || options.signal.aborted) return;
      // Those that play at the same time share one look.
      const look = lookouts.get(run.target) ?? lookAfter(options, run);
      lookouts.set(run.target, look);
      await look;
      lookouts.delete(run.target);
    };
    // The user's own topic or id is one for all, so that they would hear each other's wills.
    const alone = options.serial || options.clientId !== null || options.will.topic !== undefined;
    const together = runs.filter(({ scenario }) => !alone && !scenario.serial);
    await inParallel(together, play);
    for (const run of runs) {
      if (!results.has(run)) await play(run);
    }
    return runs.flatMap((run) => results.get(run) ?? []);
  } finally {
    stalls.stop();
  }
}

interface Run {
  readonly scenario: Scenario;
  readonly target: Target;
  readonly version: ClientVersion;
  /** Why the broker does not speak this version; null: it does. */
  readonly unspoken: string | null;
}

/**
 * The protocols that were asked for, each with null, or with why the broker does not speak it.
 * Rejects when it speaks none of them.
 */
async function spoken(
  options: RunOptions,
  target: Target,
): Promise<Map<ClientVersion, string | null>> {
  const versions = new Map<ClientVersion, string | null>();
  let refusal: unknown = null;
  for (const version of options.versions) {
    try {
      await hello(options, target, version);
      versions.set(version, null);
    } catch (fault) {
      // A broker that knows no v5 says so with 0x01 (or 0x84), or just hangs up.
      const isLevel = fault instanceof Refused && (fault.code === 1 || fault.code === 0x84);
      const mayBeLevel = isLevel || (fault instanceof NoAnswer && version === 5);
      if (!mayBeLevel || options.versions.length === 1) throw fault;
      const why = fault instanceof Refused ? refusalText(fault) : fault.message;
      versions.set(version, `the broker does not speak it: ${why}`);
      refusal = fault;
    }
  }
  if (![...versions.values()].includes(null)) throw refusal;
  return versions;
}

/** Connects and leaves. Rejects with DialError, Refused or NoAnswer. */
async function hello(options: RunOptions, target: Target, version: ClientVersion): Promise<void> {
  const on = stageOptions(options, target, version, () => {});
  const stage = new Stage(on, "hello", token());
  try {
    await stage.client({ clientId: stage.id("hello") });
  } finally {
    await stage.clear();
  }
}

/** Looks whether the broker is still there, where nothing could be concluded. */
async function lookAfter(options: RunOptions, { target, version }: Run): Promise<void> {
  try {
    await hello(options, target, version);
  } catch (fault) {
    if (!options.signal.aborted) options.watch.lost(target, fault);
  }
}

async function playOne(options: RunOptions, run: Run, stalls: StallMeter): Promise<Result> {
  const { scenario, target, version } = run;
  const name = { id: scenario.id, protocol: version, target };
  const on = stageOptions(options, target, version, (what, until, due) =>
    options.watch.waits(name, what, until, due),
  );
  options.watch.started(name);
  const missing = run.unspoken ?? missingNeed(options, run);
  const cleared = (held: Held): void => options.watch.cleared(name, held);
  const result =
    missing === null ? await staged(scenario, on, stalls, cleared) : skipped(scenario, on, missing);
  options.watch.ended(name, result);
  return result;
}

async function staged(
  scenario: Scenario,
  options: StageOptions,
  stalls: StallMeter,
  cleared: (held: Held) => void,
): Promise<Result> {
  const stage = new Stage(options, scenario.id, token());
  const result = await judged(scenario, stage, stalls);
  const { holds } = stage;
  const problems = await stage.clear();
  if (options.signal.aborted) cleared({ ...holds, problems });
  if (problems.length === 0 || result.verdict !== "pass") return result;
  return { ...result, detail: `${result.detail}; not cleaned up: ${problems.join(", ")}` };
}

async function judged(scenario: Scenario, stage: Stage, stalls: StallMeter): Promise<Result> {
  const { options } = stage;
  try {
    await stage.control();
    const observations = await scenario.play(stage);
    // Whatever it looks like: the connection was ended from here.
    if (stage.strange !== null) throw stage.strange;
    const stalled = (from: number, to: number): number => stalls.between(from, to);
    return judge(scenario, options, stage.droppedAt, observations, stalled);
  } catch (fault) {
    if (fault instanceof CalledOff) return inconclusive(scenario, options, calledOffText);
    // What was missed for its sake is no fault of its own.
    const strange = fault instanceof InvalidAnswer ? fault : stage.strange;
    if (strange !== null) return inconclusive(scenario, options, strange.message);
    if (fault instanceof NotOffered) return skipped(scenario, options, fault.message);
    if (fault instanceof ControlFailed) return inconclusive(scenario, options, fault.message);
    if (fault instanceof Refused) {
      return inconclusive(scenario, options, `the broker refused a client: ${refusalText(fault)}`);
    }
    if (fault instanceof DialError || fault instanceof NoAnswer) {
      return inconclusive(scenario, options, `the broker is gone or silent: ${fault.message}`);
    }
    throw fault;
  }
}

function missingNeed(options: RunOptions, { scenario, target, version }: Run): string | null {
  for (const need of scenario.needs) {
    const why = whyMissing(need, options, scenario, target, version);
    if (why !== null) return why;
  }
  return null;
}

function whyMissing(
  need: Need,
  options: RunOptions,
  scenario: Scenario,
  target: Target,
  version: ClientVersion,
): string | null {
  switch (need) {
    case "v5":
      return version === 5 ? null : "MQTT 5.0 only";
    case "websocket":
      if (!clientTransports.includes("ws")) return "this client has no WebSocket transport yet";
      return target.transport.startsWith("ws") ? null : "the address is no WebSocket";
    case "tls":
      if (!clientTransports.includes("tls")) return "this client has no TLS transport yet";
      return target.transport === "tls" ? null : "the address is not TLS";
    case "loopback":
      if (isLoopback(target.host) || options.named.has(scenario.id)) return null;
      return "a load: only against this machine, or when named";
    case "--denied-topic":
      return options.deniedTopic === null ? "needs --denied-topic" : null;
    case "--restart-command":
      return options.restartCommand === null ? "needs --restart-command" : null;
    case "child process":
      return options.has.has(need) ? null : "needs a child process";
    case "network namespace":
      return options.has.has(need) ? null : "needs Linux, root, and the ip command of iproute2";
  }
}

function stageOptions(
  options: RunOptions,
  target: Target,
  version: ClientVersion,
  onWait: StageOptions["onWait"],
): StageOptions {
  const { keepAlive, waitMs, toleranceMs, clientId, will, deniedTopic, restartCommand, signal } =
    options;
  return {
    target,
    version,
    keepAlive,
    waitMs,
    toleranceMs,
    clientId,
    will,
    deniedTopic,
    restartCommand,
    signal,
    onWait,
  };
}

async function inParallel(runs: readonly Run[], play: (run: Run) => Promise<void>): Promise<void> {
  const waiting = [...runs];
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await play(run);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

function token(): string {
  return crypto.randomUUID().slice(0, 8);
}
