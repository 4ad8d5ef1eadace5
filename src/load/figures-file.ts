import { appendFileSync, existsSync, readFileSync } from "node:fs";
import * as z from "zod";
import { usageError } from "../config/cli-error.ts";
import { systemErrorText } from "../log/system-error.ts";
import type { Machine } from "./machine.ts";
import type { RunName, RunResult } from "./measure.ts";

/** A figure that could not be measured is null in JSON. */
const number = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);
const delays = z.object({
  count: z.number(),
  p50: z.number().nullable(),
  p99: z.number().nullable(),
  worst: z.number().nullable(),
});
const load = z.object({
  figures: z.array(
    z.object({ name: z.string(), value: number, unit: z.enum(["/s", "ms", "s", "B", "%", ""]) }),
  ),
  cpu: z.object({
    seconds: z.number(),
    broker: z.number().nullable(),
    load: z.number(),
    others: z.number().nullable(),
  }),
  rss: z.object({ before: z.number().nullable(), peak: z.number().nullable() }),
  notes: z.array(z.string()),
  errors: z.array(z.string()),
});
const sighting = z.object({
  ping: delays,
  echo: delays,
  // Files of older versions do not have it.
  judged: delays.default({ count: 0, p50: null, p99: null, worst: null }),
  silent: delays,
  silentMissing: z.number(),
  refused: z.number(),
  pinging: z.number(),
  ended: z.number(),
  errors: z.array(z.string()),
});
const runLine = z.object({
  type: z.literal("run"),
  row: z.string(),
  broker: z.string(),
  run: z.int(),
  load: load.nullable(),
  sighting: sighting.nullable(),
  errors: z.array(z.string()),
});
const machineLine = z.object({
  type: z.literal("machine"),
  date: z.string(),
  version: z.string(),
  cores: z.number(),
  cpu: z.string(),
  memoryGib: z.number(),
  kernel: z.string(),
  loadAverage: z.number(),
  pinned: z.object({ broker: z.number(), load: z.number() }).nullable(),
  brokers: z.array(
    z.object({ name: z.string(), source: z.string(), version: z.string().nullable() }),
  ),
});
const line = z.discriminatedUnion("type", [runLine, machineLine]);

/**
 * Figures that outlive a bench: a line of JSON for each run, and one for the machine each time. A bench
 * that is called off goes on where it stopped.
 */
export class FiguresFile {
  readonly #path: string;
  readonly #runs = new Map<string, RunResult>();
  readonly machines: Machine[] = [];

  /** Reads what is there. Throws CliError for a file that is none of ours. */
  constructor(path: string) {
    this.#path = path;
    for (const [index, text] of linesOf(path).entries()) {
      const read = line.safeParse(parsed(text));
      if (!read.success) {
        throw usageError(
          `--data: line ${index + 1} of ${path} is no figure of a bench`,
          "name a file that does not exist yet, or one that --data has written",
        );
      }
      const { type, ...facts } = read.data;
      if (type === "machine") this.machines.push(facts as Machine);
      else this.#keep(facts as RunResult);
    }
  }

  /** The last result of each run. */
  get results(): readonly RunResult[] {
    return [...this.#runs.values()];
  }

  /** Whether there is a valid result; an invalid one is measured again. */
  has(name: RunName): boolean {
    return this.#runs.get(keyOf(name))?.errors.length === 0;
  }

  /** Throws CliError if the figures there are those of another version. */
  addMachine(facts: Machine): void {
    const other = this.machines.find(({ version }) => version !== facts.version);
    if (other !== undefined) {
      throw usageError(
        `--data: ${this.#path} has figures of mqttd ${other.version}, and this is ${facts.version}`,
        "name another file",
      );
    }
    this.machines.push(facts);
    this.#append({ type: "machine", ...facts });
  }

  add(result: RunResult): void {
    this.#keep(result);
    this.#append({ type: "run", ...result });
  }

  #keep(result: RunResult): void {
    this.#runs.set(keyOf(result), result);
  }

  #append(what: object): void {
    try {
      appendFileSync(this.#path, `${JSON.stringify(what)}\n`);
    } catch (error) {
      throw usageError(`--data: can't write ${this.#path}: ${systemErrorText(error)}`);
    }
  }
}

function linesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  try {
    const text = readFileSync(path, "utf8");
    return text === "" ? [] : text.trimEnd().split("\n");
  } catch (error) {
    throw usageError(`--data: can't read ${path}: ${systemErrorText(error)}`);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function keyOf({ row, broker, run }: RunName): string {
  return JSON.stringify([row, broker, run]);
}
