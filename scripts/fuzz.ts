/** Plays hostile clients, brokers, files and requests, drawn from a seed: see `help`. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { corpusFolder, foundFolder, readCorpus } from "../tests/fuzz/corpus.ts";
import { BrokerFuzzer } from "../tests/fuzz/fuzzer.ts";
import { readInput, writeInput } from "../tests/fuzz/input.ts";
import { play } from "../tests/fuzz/play.ts";
import {
  type ReaderInput,
  readers,
  readReaderInput,
  writeReaderInput,
} from "../tests/fuzz/reader-input.ts";
import { drawReaderInput, judgeReader } from "../tests/fuzz/readers.ts";
import { faultKey, smaller } from "../tests/fuzz/smaller.ts";
import { Dice } from "../tests/support/dice.ts";
import type { Watch } from "./fuzz-watch.ts";
import { flagsOf, runScript, UsageError } from "./usage.ts";

const help = `npm run fuzz -- [options]

Plays mutated packets and sessions against the broker in a virtual world, and mutated input against
each reader of foreign bytes. Shrinks the input of every new kind of fault and keeps it as a file.

  --minutes N       run for N minutes (1); fractions are allowed
  --iterations N    run for N inputs instead
  --seed N          the same seed gives the same inputs (default: random, printed)
  --only TARGET     broker, ${readers.join(", ")}; repeatable. Default: all, most inputs for the broker
  --corpus DIR      the inputs to mutate (tests/fuzz/corpus)
  --found DIR       where to keep faults (tests/fuzz/found)
  --input FILE      play one file, and print what is wrong
  --quiet           only the summary

Exit codes: 0 no faults, 1 faults found, 2 wrong usage, 137 an input did not end (it is kept too).

  npm run fuzz -- --minutes 15 --seed 1
  npm run fuzz -- --input tests/fuzz/found/NAME.txt`;

type Target = "broker" | (typeof readers)[number];

/** Longer than any input takes, even on a busy machine. */
const hangMs = 20_000;
const largestInput = 4 * 1024 * 1024;
const progressMs = 30_000;

const options = {
  minutes: { type: "string", default: "1" },
  iterations: { type: "string" },
  seed: { type: "string" },
  only: { type: "string", multiple: true },
  corpus: { type: "string", default: corpusFolder },
  found: { type: "string", default: foundFolder },
  input: { type: "string" },
  quiet: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

interface Options {
  readonly seed: number;
  readonly until: (inputs: number, startedAt: number) => boolean;
  readonly targets: readonly Target[];
  readonly corpus: string;
  readonly found: string;
  readonly quiet: boolean;
}

async function main(): Promise<number> {
  const values = flagsOf(options);
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (values.input !== undefined) return replay(values.input);
  const iterations = values.iterations === undefined ? null : number(values, "iterations");
  const untilMs = number(values, "minutes") * 60_000;
  return fuzz({
    seed: values.seed === undefined ? Dice.seed() : number(values, "seed"),
    until: (inputs, startedAt) =>
      iterations === null ? performance.now() - startedAt >= untilMs : inputs >= iterations,
    targets: values.only?.map(target) ?? ["broker", ...readers],
    corpus: values.corpus,
    found: values.found,
    quiet: values.quiet,
  });
}

function number(values: Partial<Record<string, unknown>>, name: string): number {
  const value = Number(values[name]);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new UsageError(`--${name} takes a number, not ${String(values[name])}`);
}

function target(name: string): Target {
  const known = (["broker", ...readers] as const).find((one) => one === name);
  if (known !== undefined) return known;
  throw new UsageError(`--only takes broker, ${readers.join(", ")}, not ${name}`);
}

/** Plays one file. Returns the exit code. */
async function replay(file: string): Promise<number> {
  const text = readFileSync(file, "utf8");
  const forReader = readReaderInput(text);
  try {
    if (forReader !== null) await judgeReader(forReader);
    else console.log(JSON.stringify({ ...(await play(readInput(text))), features: undefined }));
    console.log("no fault");
    return 0;
  } catch (fault) {
    console.log(fault instanceof Error ? fault.stack : fault);
    return 1;
  }
}

async function fuzz(options: Options): Promise<number> {
  const { seed, targets } = options;
  console.log(`seed ${seed}; to repeat it: --seed ${seed}`);
  const corpus = readCorpus(options.corpus);
  const broker = new BrokerFuzzer(seed, corpus);
  const dice = new Dice(seed + 1);
  const faults = new Faults(options.found, seed);
  const watch = watcher(join(options.found, `hang-${seed}.txt`));
  const counts = new Map<Target, number>(targets.map((name) => [name, 0]));
  const startedAt = performance.now();
  let lastProgressAt = startedAt;
  for (let inputs = 0; !options.until(inputs, startedAt); inputs++) {
    const name = targetOf(targets, inputs);
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (name === "broker") await playSession(broker, faults, watch);
    else await feedReader(drawReaderInput(dice, corpus, name), faults, watch);
    const now = performance.now();
    if (options.quiet || now - lastProgressAt < progressMs) continue;
    lastProgressAt = now;
    const seconds = ((now - startedAt) / 1000).toFixed(0);
    const { features } = broker.tally;
    console.log(`${seconds} s: ${inputs} inputs, ${features.size} features, ${faults.size} faults`);
  }
  summarize(broker, counts, (performance.now() - startedAt) / 1000);
  console.log(`${faults.size} faults`);
  return faults.size === 0 ? 0 : 1;
}

/** The broker gets three of four turns; the readers share the fourth in rotation. */
function targetOf(targets: readonly Target[], turn: number): Target {
  const others = targets.filter((name) => name !== "broker");
  const isBroker = targets.length > others.length && turn % 4 < 3;
  return isBroker ? "broker" : (others[(turn >> 2) % others.length] ?? "broker");
}

async function playSession(
  broker: BrokerFuzzer,
  faults: Faults,
  watch: (text: string) => void,
): Promise<void> {
  try {
    await broker.step((input) => watch(writeInput(input)));
  } catch (fault) {
    if (broker.current === null || !faults.isNew(fault)) return;
    const small = await smaller(broker.current, fault);
    faults.keep("broker", fault, (comment) => writeInput(small, comment));
  }
}

async function feedReader(
  input: ReaderInput,
  faults: Faults,
  watch: (text: string) => void,
): Promise<void> {
  watch(writeReaderInput(input));
  try {
    await judgeReader(input);
  } catch (fault) {
    if (!faults.isNew(fault)) return;
    faults.keep(input.reader, fault, (comment) => writeReaderInput(input, comment));
  }
}

/** Faults by their message, each kept once. */
class Faults {
  readonly #seen = new Set<string>();
  readonly #folder: string;
  readonly #seed: number;

  constructor(folder: string, seed: number) {
    this.#folder = folder;
    this.#seed = seed;
  }

  get size(): number {
    return this.#seen.size;
  }

  isNew(fault: unknown): boolean {
    return !this.#seen.has(faultKey(fault));
  }

  keep(name: Target, fault: unknown, text: (comment: string) => string): void {
    this.#seen.add(faultKey(fault));
    mkdirSync(this.#folder, { recursive: true });
    const file = join(this.#folder, `${name}-${this.#seed}-${this.size}.txt`);
    const message = fault instanceof Error ? fault.message : String(fault);
    writeFileSync(file, text(message.split("\n")[0] ?? ""));
    console.log(`FAULT ${name}: ${message.slice(0, 400)}\n  kept in ${relative(".", file)}`);
  }
}

/** Passes each input to the thread that reports a hang. */
function watcher(file: string): (text: string) => void {
  const worker = new Worker(new URL("./fuzz-watch.ts", import.meta.url));
  worker.unref();
  const count = new Int32Array(new SharedArrayBuffer(8));
  const input = new Uint8Array(new SharedArrayBuffer(largestInput));
  const watch: Watch = { count, input, boundMs: hangMs, file };
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- only windows have an origin
  worker.postMessage(watch);
  return (text) => {
    const bytes = Buffer.from(text).subarray(0, largestInput);
    input.set(bytes);
    Atomics.store(count, 1, bytes.length);
    Atomics.add(count, 0, 1);
  };
}

function summarize(
  broker: BrokerFuzzer,
  counts: ReadonlyMap<Target, number>,
  seconds: number,
): void {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const by = [...counts].map(([name, count]) => `${name} ${count}`).join(", ");
  console.log(
    `${total} inputs in ${seconds.toFixed(0)} s (${(total / seconds).toFixed(0)}/s): ${by}`,
  );
  const { tally } = broker;
  if (tally.inputs === 0) return;
  const share = ((100 * tally.accepted) / tally.connections).toFixed(0);
  console.log(
    `${tally.connections} connections, ${share} % of them let in; ${tally.features.size} features`,
  );
  console.log(`ends: ${list(tally.causes)}`);
  console.log(`${tally.statements.size} statements broken: ${list(tally.statements)}`);
}

function list(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].toSorted(([, a], [, b]) => b - a);
  return sorted.map(([name, count]) => `${name} ${count}`).join(", ");
}

await runScript(main);
