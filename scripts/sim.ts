/** Plays worlds around the broker, each drawn from one seed: see `help`. */
import { nearest } from "../src/config/nearest.ts";
import { plantedQuirks, type PlantedQuirk } from "../src/core/quirks/planted.ts";
import type { Rules } from "../src/core/quirks/rules.ts";
import { plantedFaults, storeFaults } from "../tests/sim/planted-faults.ts";
import {
  simulate,
  type Failure,
  type Outcome,
  type SimulationOptions,
} from "../tests/sim/simulation.ts";
import { unseen } from "../tests/sim/unseen.ts";
import { flagsOf, runScript, UsageError, wholeNumber } from "./usage.ts";

const help = `npm run sim -- [options]

Plays whole worlds around the broker: trouble first, then healing, after which nothing may be left.
The first violation ends the run, which prints the command that replays it.

  --seed N        the first seed (1)
  --seeds N       number of seeds (10; with --minutes: no limit)
  --minutes N     play for N minutes
  --steps N       steps of trouble in each world (5000)
  --store         the broker has a store, which is slow and fails, and the next broker goes on from it
  --quirk NAME    a broker with one planted quirk
  --canaries      the first seed that sees each planted quirk and fault, within --seeds (400)
  --twice         each seed twice: both hashes must be equal
  --shrink        find the fewest steps with which a failing seed still fails
  --verbose       print every event

Exit codes: 0 no violation, 1 a violation or an unseen quirk or fault, 2 wrong usage.

  npm run sim -- --seed 1 --seeds 10000
  npm run sim -- --seed 42 --seeds 1 --steps 3000 --verbose`;

const options = {
  seed: { type: "string", default: "1" },
  seeds: { type: "string" },
  steps: { type: "string", default: "5000" },
  minutes: { type: "string" },
  store: { type: "boolean", default: false },
  quirk: { type: "string" },
  canaries: { type: "boolean", default: false },
  twice: { type: "boolean", default: false },
  shrink: { type: "boolean", default: false },
  verbose: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

/** Between two progress lines. */
const progressMs = 60_000;

interface Options {
  readonly first: number;
  readonly count: number;
  readonly minutes: number;
  readonly steps: number;
  readonly store: boolean;
  readonly quirk: PlantedQuirk | null;
  readonly twice: boolean;
  readonly shrink: boolean;
  readonly verbose: boolean;
}

function main(): number {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  const minutes = values.minutes === undefined ? Infinity : wholeNumber("minutes", values.minutes);
  const unless = values.canaries ? 400 : minutes === Infinity ? 10 : Infinity;
  const asked: Options = {
    first: wholeNumber("seed", values.seed),
    count: values.seeds === undefined ? unless : wholeNumber("seeds", values.seeds),
    minutes,
    steps: wholeNumber("steps", values.steps),
    store: values.store,
    quirk: values.quirk === undefined ? null : planted(values.quirk),
    twice: values.twice,
    shrink: values.shrink,
    verbose: values.verbose,
  };
  return (values.canaries ? findCanaries(asked) : run(asked)) ? 0 : 1;
}

/** Plays one seed after another until one fails. Returns whether none did. */
function run(asked: Options): boolean {
  const { first, count, minutes, twice } = asked;
  const began = performance.now();
  const sums = { seeds: 0, steps: 0, wills: 0, restarts: 0, lasted: 0 };
  let lastProgressAt = began;
  for (let seed = first; seed < first + count; seed++) {
    if (performance.now() - began > minutes * 60_000) break;
    const outcome = play(seed, asked);
    sums.seeds += 1;
    sums.steps += outcome.steps;
    sums.wills += outcome.wills;
    sums.restarts += outcome.restarts;
    sums.lasted += outcome.lasted;
    if (outcome.failure !== null) {
      report(outcome, outcome.failure, asked);
      return false;
    }
    if (twice && play(seed, asked).hash !== outcome.hash) {
      console.log(`seed ${seed}: two runs, two hashes`);
      return false;
    }
    if (performance.now() - lastProgressAt > progressMs) {
      lastProgressAt = performance.now();
      const seconds = Math.round((lastProgressAt - began) / 1000);
      console.log(`seed ${seed}, ${sums.steps} steps, ${seconds} s`);
    }
  }
  const ms = performance.now() - began;
  const hours = (sums.lasted / 3_600_000).toFixed(1);
  const each = ((ms * 1000) / sums.steps).toFixed(1);
  console.log(
    `no violation: ${sums.seeds} seeds from ${first}, ${sums.steps} steps, ${sums.wills} wills, ` +
      `${sums.restarts} restarts, ${hours} h of virtual time, ${(ms / 1000).toFixed(1)} s, ${each} us a step`,
  );
  return true;
}

function play(seed: number, { store, quirk, verbose, steps }: Options): Outcome {
  const rules: Partial<Rules> = quirk === null ? {} : plantedQuirks[quirk];
  const print = (line: string): void => console.log(line);
  return simulate({ seed, steps, rules, store, ...(verbose && { print }) });
}

function report({ seed, steps }: Outcome, failure: Failure, asked: Options): void {
  console.log(`seed ${seed} failed at step ${steps}: ${failure.rule}`);
  for (const line of failure.options) console.log(line);
  if (!asked.verbose) for (const line of failure.journal) console.log(line);
  console.log(failure.text);
  const few = asked.shrink ? fewestSteps(seed, asked) : Math.min(asked.steps, steps);
  const store = asked.store ? " --store" : "";
  const quirk = asked.quirk === null ? "" : ` --quirk ${asked.quirk}`;
  const again = `--seed ${seed} --seeds 1 --steps ${few}${store}${quirk} --verbose`;
  console.log(`again: npm run sim -- ${again}`);
}

/**
 * The fewest steps of trouble with which the seed fails, by any rule: a world that heals earlier takes
 * another course.
 */
function fewestSteps(seed: number, asked: Options): number {
  let fails = asked.steps;
  let holds = 0;
  while (fails - holds > 1) {
    const middle = (fails + holds) >> 1;
    const { failure } = play(seed, { ...asked, steps: middle, verbose: false });
    if (failure === null) holds = middle;
    else fails = middle;
  }
  return fails;
}

/** The first seed that sees each planted quirk and fault. Returns whether all were seen. */
function findCanaries(asked: Options): boolean {
  let isComplete = true;
  const find = (name: string, planted: Planted): void => {
    const where = firstSight(planted, asked);
    if (where === null) isComplete = false;
    console.log(`${name.padEnd(46)} ${where ?? `not within ${asked.count} seeds`}`);
  };
  for (const name of Object.keys(plantedQuirks)) {
    const why = Object.entries(unseen).find(([other]) => other === name)?.[1];
    if (why !== undefined) console.log(`${name.padEnd(46)} not here: ${why}`);
    else find(name, { rules: plantedQuirks[planted(name)] });
  }
  for (const [name, fault] of Object.entries(plantedFaults)) find(name, { fault });
  for (const [name, fault] of Object.entries(storeFaults)) find(name, { fault, store: true });
  return isComplete;
}

type Planted = Pick<SimulationOptions, "rules" | "fault" | "store">;

function firstSight(what: Planted, { first, count, steps }: Options): string | null {
  for (let seed = first; seed < first + count; seed++) {
    const { failure, steps: played } = simulate({ seed, steps, ...what });
    if (failure !== null) return `seed ${seed}, step ${played}: ${failure.rule}`;
  }
  return null;
}

function planted(name: string): PlantedQuirk {
  if (isPlanted(name)) return name;
  const near = nearest(name, Object.keys(plantedQuirks));
  throw new UsageError(
    `there is no planted quirk ${name}${near === null ? "" : `; did you mean ${near}?`}`,
  );
}

function isPlanted(name: string): name is PlantedQuirk {
  return name in plantedQuirks;
}

await runScript(main);
