import type { ClientVersion } from "../client/machine.ts";
import type { Target } from "../client/target.ts";
import { brokerVersion } from "./broker-version.ts";
import type { StallsBetween } from "./doubt.ts";
import { StallMeter } from "./lab/stall.ts";
import { missingNeed } from "./needs.ts";
import { type Held, playScenario } from "./play.ts";
import { besideReference } from "./reference.ts";
import type { Need, Result, Scenario } from "./scenario.ts";
import type { StageOptions, WillPlan } from "./stage.ts";
import { skipped } from "./verdict.ts";
import { isStillThere, stageOptions, type Way, waysTo } from "./ways.ts";

export interface RunOptions {
  readonly scenarios: readonly Scenario[];
  readonly versions: readonly ClientVersion[];
  readonly target: Target;
  /** A second way to the same broker, whose results stand beside the first's. */
  readonly via: Target | null;
  readonly keepAliveSeconds: number;
  readonly waitMs: number;
  /** Where no will comes of a silent client within `waitMs`, wait on until late is told from never. */
  readonly goesOn: boolean;
  /** How often an undecided scenario plays again, with no other beside it. */
  readonly triesAlone: number;
  readonly toleranceMs: number;
  /** How long to wait for what the broker says of its version; 0: not asked. */
  readonly versionWaitMs: number;
  readonly clientId: string | null;
  readonly will: Partial<WillPlan>;
  readonly deniedTopic: string | null;
  readonly restartCommand: string | null;
  /** Of the broker at `target`; it listens there. */
  readonly brokerPid: number | null;
  /** One after the other, whatever they need. */
  readonly serial: boolean;
  /** Scenario ids that the user named: they run against any address. */
  readonly named: ReadonlySet<string>;
  /** What this machine can do. */
  readonly has: ReadonlySet<Need>;
  /** Opens network connections; absent: by the system's sockets. */
  readonly dial?: StageOptions["dial"];
  readonly signal: AbortSignal;
  readonly watch: RunWatch;
}

/** Told as it goes, for live lines and NDJSON. */
export interface RunWatch {
  /** Before the first scenario, each address: the broker's version in its own words; null: not said. */
  identified(target: Target, version: string | null): void;
  /** A scenario begins; once more where it is played again. */
  started(run: RunName): void;
  /** Monotonic milliseconds; `due`: when the will is, that is waited for; null: none is. */
  waits(run: RunName, what: string, until: number, due: number | null): void;
  /** Nothing could be concluded, and why: it plays again, alone, after the others. */
  doubted(run: RunName, why: string): void;
  /** Its result stands. */
  ended(run: RunName, result: Result): void;
  /** One line that explains why the run takes longer. */
  said(text: string): void;
  /** There is no way to the broker, or no more; `error`: DialError, Refused or NoAnswer. */
  lost(target: Target, error: unknown): void;
  /** What a scenario that was called off held, and has taken back. */
  cleared(run: RunName, held: Held): void;
}

export interface RunName {
  readonly id: string;
  readonly protocol: ClientVersion;
  readonly target: Target;
}

/** How many scenarios play at the same time. */
const atOnce = 24;
/** The scenario whose deadlines tell the others how long to wait. */
const patienceSource = "half-open";

/** One scenario in one protocol at one address. */
interface Run {
  readonly scenario: Scenario;
  readonly way: Way;
}

/**
 * Plays the scenarios, those that do not disturb each other at the same time, and judges each.
 * Rejects with DialError, Refused or NoAnswer when there is no way to the broker at all; otherwise
 * every run has a result, in the order of the catalogue.
 */
export async function runScenarios(options: RunOptions): Promise<Result[]> {
  using stalls = new StallMeter();
  const ways = await waysTo(options, patienceSource);
  await identify(options, ways);
  const runs = ways.flatMap((way) => options.scenarios.map((scenario) => ({ scenario, way })));
  const session = new Session(options, (from, to) => stalls.between(from, to));
  await session.play(runs);
  return runs.flatMap((run) => session.results.get(run) ?? []);
}

/** Asks at each address, in a protocol that the broker speaks. */
async function identify(options: RunOptions, ways: readonly Way[]): Promise<void> {
  if (options.versionWaitMs === 0) return;
  const speaking = ways.filter(({ unspoken }) => unspoken === null);
  for (const target of new Set(speaking.map((way) => way.target))) {
    const way = speaking.find((one) => one.target === target);
    if (way !== undefined) options.watch.identified(target, await brokerVersion(options, way));
  }
}

class Session {
  /** Those that stand. */
  readonly results = new Map<Run, Result>();
  readonly #doubtful = new Map<Run, Result>();
  readonly #options: RunOptions;
  readonly #stalls: StallsBetween;
  readonly #looks = new Map<Way, Promise<void>>();
  /** References that nobody asked for, by the scenario and the way. */
  readonly #references = new Map<Way, Map<Scenario, Result>>();

  constructor(options: RunOptions, stalls: StallsBetween) {
    this.#options = options;
    this.#stalls = stalls;
  }

  /** All together, then one by one, then again what is in doubt, then what may bring the broker down. */
  async play(runs: readonly Run[]): Promise<void> {
    const { serial, clientId, will } = this.#options;
    // The user's own topic or id is one for all, so that they would hear each other's wills.
    const alone = serial || clientId !== null || will.topic !== undefined;
    const last = runs.filter(({ scenario }) => scenario.last === true);
    const others = runs.filter(({ scenario }) => scenario.last !== true);
    const together = others.filter(({ scenario }) => !alone && !scenario.serial);
    await inParallel(together, async (run) => this.#first(run));
    for (const run of others) {
      if (!together.includes(run)) await this.#first(run);
    }
    await this.#again();
    for (const run of last) {
      await this.#first(run);
      await this.#again();
    }
  }

  async #first(run: Run): Promise<void> {
    if (this.#options.signal.aborted) return;
    const result = await this.#played(run);
    await this.#look(run.way, result);
    const { signal, triesAlone } = this.#options;
    if (signal.aborted || triesAlone === 0 || !mayPlayAgain(run, result)) {
      this.#settle(run, result);
    } else {
      this.#doubtful.set(run, result);
      this.#options.watch.doubted(nameOf(run), result.detail);
    }
  }

  async #again(): Promise<void> {
    for (const [run, doubtful] of this.#doubtful) {
      this.#doubtful.delete(run);
      let result = doubtful;
      for (
        let tries = 1;
        tries <= this.#options.triesAlone && result.verdict === "inconclusive";
        tries++
      ) {
        if (this.#options.signal.aborted) break;
        result = { ...(await this.#played(run)), tries: tries + 1 };
        await this.#look(run.way, result);
      }
      this.#settle(run, result);
    }
  }

  #settle(run: Run, result: Result): void {
    this.results.set(run, result);
    if (run.scenario.id === patienceSource) run.way.patience.show(result);
    this.#options.watch.ended(nameOf(run), result);
  }

  /** Where nothing could be concluded: is the broker still there? Who asks at the same time shares the answer. */
  async #look(way: Way, { verdict, failure }: Result): Promise<void> {
    const mayBeGone = verdict === "inconclusive" || failure === "down";
    if (!mayBeGone || this.#options.signal.aborted) return;
    const look = this.#looks.get(way) ?? isStillThere(this.#options, way);
    this.#looks.set(way, look);
    await look;
    this.#looks.delete(way);
  }

  /** Plays it, and claims no more than its reference leaves to claim. */
  async #played(run: Run): Promise<Result> {
    this.#options.watch.started(nameOf(run));
    const result = await this.#playedAs(nameOf(run), run);
    const { reference } = run.scenario;
    const isWrong = result.failure !== null;
    if (reference === undefined || !isWrong || this.#options.signal.aborted) return result;
    const plain = await this.#resultOf(reference, run.way, nameOf(run));
    return besideReference(result, plain, this.#options.toleranceMs);
  }

  async #resultOf(reference: Scenario, way: Way, name: RunName): Promise<Result> {
    for (const [run, result] of this.results) {
      if (run.scenario.id === reference.id && run.way === way) return result;
    }
    const known = this.#references.get(way) ?? new Map<Scenario, Result>();
    this.#references.set(way, known);
    const result =
      known.get(reference) ?? (await this.#playedAs(name, { scenario: reference, way }));
    known.set(reference, result);
    return result;
  }

  /** Under the name that is shown for it. */
  async #playedAs(name: RunName, { scenario, way }: Run): Promise<Result> {
    const { watch } = this.#options;
    const on = stageOptions(this.#options, way, (what, until, due) =>
      watch.waits(name, what, until, due),
    );
    if (way.unspoken !== null) return skipped(scenario, on, way.unspoken, "unspoken");
    const missing = missingNeed(this.#options, scenario, way);
    if (missing !== null) return skipped(scenario, on, missing);
    return playScenario(scenario, on, this.#stalls, (held) => watch.cleared(name, held));
  }
}

/** What is done to the broker itself is not done twice. */
function mayPlayAgain({ scenario: { needs } }: Run, { verdict }: Result): boolean {
  const harmsBroker = needs.includes("--restart-command") || needs.includes("--broker-pid");
  return verdict === "inconclusive" && !harmsBroker;
}

function nameOf({ scenario: { id }, way: { version, target } }: Run): RunName {
  return { id, protocol: version, target };
}

async function inParallel(runs: readonly Run[], play: (run: Run) => Promise<void>): Promise<void> {
  const waiting = [...runs];
  const worker = async (): Promise<void> => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await play(run);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
