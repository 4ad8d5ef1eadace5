import { parseArgs } from "node:util";
import { plantedFaults, type PlantedFault } from "../src/core/faults.ts";
import type { Rules } from "../src/core/rules.ts";
import { simulate, type Failure, type Outcome } from "../tests/sim/simulation.ts";

const usage = `Plays whole worlds around the broker, each drawn from one seed: faults first, then healing.

  bun scripts/sim.ts                                  10 seeds of 5000 steps
  bun scripts/sim.ts --seed 1 --seeds 10000           as many, from seed 1 on
  bun scripts/sim.ts --minutes 30                     as many as there is time for
  bun scripts/sim.ts --seed 42 --steps 3000 --verbose one world, with every event
  bun scripts/sim.ts --faults F-published-twice       a broker with one planted fault
  bun scripts/sim.ts --canaries --seeds 200           the seed at which each planted fault is seen
  bun scripts/sim.ts --twice                          each seed twice; the hashes have to be the same

Options: --seed N, --seeds N, --steps N, --minutes N, --faults NAME, --canaries, --twice, --shrink, --verbose.
--shrink: how few steps a failing seed needs. Exit code 1: something was wrong.`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string" },
    steps: { type: "string", default: "5000" },
    minutes: { type: "string" },
    faults: { type: "string" },
    canaries: { type: "boolean", default: false },
    twice: { type: "boolean", default: false },
    shrink: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

const firstSeed = whole("seed", values.seed);
const steps = whole("steps", values.steps);
const minutes = values.minutes === undefined ? Infinity : whole("minutes", values.minutes);
const seeds =
  values.seeds === undefined
    ? values.minutes === undefined
      ? 10
      : Infinity
    : whole("seeds", values.seeds);
/** Between two lines of progress. */
const progressMs = 60_000;

if (values.help) {
  console.log(usage);
} else if (values.canaries) {
  process.exit(findCanaries() ? 0 : 1);
} else {
  process.exit(run(faultOf(values.faults)) ? 0 : 1);
}

/** Plays one seed after another until one fails. Returns whether none did. */
function run(rules: Partial<Rules>): boolean {
  const began = performance.now();
  const sums = { seeds: 0, steps: 0, wills: 0, restarts: 0, lasted: 0 };
  let told = began;
  for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
    if (performance.now() - began > minutes * 60_000) break;
    const outcome = play(seed, rules);
    sums.seeds += 1;
    sums.steps += outcome.steps;
    sums.wills += outcome.wills;
    sums.restarts += outcome.restarts;
    sums.lasted += outcome.lasted;
    if (outcome.failure !== null) {
      tell(outcome, outcome.failure, rules);
      return false;
    }
    if (values.twice && play(seed, rules).hash !== outcome.hash) {
      console.log(`seed ${seed}: two runs, two hashes`);
      return false;
    }
    if (performance.now() - told > progressMs) {
      told = performance.now();
      console.log(`seed ${seed}, ${sums.steps} steps, ${Math.round((told - began) / 1000)} s`);
    }
  }
  const ms = performance.now() - began;
  const hours = (sums.lasted / 3_600_000).toFixed(1);
  const each = ((ms * 1000) / sums.steps).toFixed(1);
  console.log(
    `no violation: ${sums.seeds} seeds from ${firstSeed}, ${sums.steps} steps, ${sums.wills} wills, ` +
      `${sums.restarts} restarts, ${hours} h of virtual time, ${(ms / 1000).toFixed(1)} s, ${each} us a step`,
  );
  return true;
}

function play(seed: number, rules: Partial<Rules>, length = steps): Outcome {
  const print = values.verbose ? (line: string): void => console.log(line) : undefined;
  return simulate({ seed, steps: length, rules, ...(print !== undefined && { print }) });
}

function tell(outcome: Outcome, failure: Failure, rules: Partial<Rules>): void {
  const { seed } = outcome;
  console.log(`seed ${seed} failed at step ${outcome.steps}: ${failure.rule}`);
  for (const line of failure.options) console.log(line);
  if (!values.verbose) for (const line of failure.journal) console.log(line);
  console.log(failure.text);
  const faults = values.faults === undefined ? "" : ` --faults ${values.faults}`;
  const fewest = values.shrink ? fewestSteps(seed, rules) : Math.min(steps, outcome.steps);
  console.log(
    `again: bun scripts/sim.ts --seed ${seed} --seeds 1 --steps ${fewest}${faults} --verbose`,
  );
}

/**
 * How few steps of faults the seed needs to fail, in whatever way: a world that begins to heal earlier
 * is another one after that.
 */
function fewestSteps(seed: number, rules: Partial<Rules>): number {
  let fails = steps;
  let holds = 0;
  while (fails - holds > 1) {
    const middle = (fails + holds) >> 1;
    if (play(seed, rules, middle).failure === null) holds = middle;
    else fails = middle;
  }
  return fails;
}

/** The first seed that sees each planted fault. Returns whether all that can be seen were. */
function findCanaries(): boolean {
  let isComplete = true;
  const most = seeds === Infinity ? 200 : seeds;
  for (const name of Object.keys(plantedFaults)) {
    let found: Outcome | null = null;
    for (let seed = firstSeed; seed < firstSeed + most && found === null; seed++) {
      const outcome = play(seed, faultOf(name));
      if (outcome.failure !== null) found = outcome;
    }
    if (found === null) isComplete = false;
    const where =
      found === null
        ? `not within ${most} seeds`
        : `seed ${found.seed}, step ${found.steps}: ${found.failure?.rule}`;
    console.log(`${name.padEnd(44)} ${where}`);
  }
  return isComplete;
}

function faultOf(name: string | undefined): Partial<Rules> {
  if (name === undefined) return {};
  if (isPlanted(name)) return plantedFaults[name];
  console.error(`there is no fault ${name}; there are ${Object.keys(plantedFaults).join(", ")}`);
  process.exit(2);
}

function isPlanted(name: string): name is PlantedFault {
  return name in plantedFaults;
}

function whole(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`--${name} wants a whole number, not ${text}`);
  process.exit(2);
}
