import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { root } from "../command.ts";

/** The folder of the data, and of the pages written from them. */
export const brokersFolder = join(root, "docs/brokers");

const text = z.string();
const protocol = z.enum(["3.1.1", "5"]);

/** A result as `mqttd simulate-drop --json` prints it, without the fields that all results of a run share. */
const resultShape = z.object({
  id: text,
  grade: z.enum(["must", "should", "ours"]),
  verdict: z.enum(["pass", "fail", "finding", "late", "inconclusive", "skipped"]),
  /** Absent: nothing is wrong, or nothing was judged. */
  failure: text.optional(),
  /** Absent: the scenario has one arm. */
  arm: text.optional(),
  /** Milliseconds after the due time. Absent: no will was due, or none arrived. */
  latenessMs: z.number().optional(),
  /** What the client saw; absent for a pass, as the two below. */
  detail: text.optional(),
  /** The statement, version first. */
  rule: text.optional(),
  /** What it means for a user; only if something is wrong. */
  means: text.optional(),
});

const runShape = z.object({
  protocol,
  /** `busy`: with every core kept busy on purpose. */
  load: z.enum(["calm", "busy"]),
  /** The broker and its clients came before all other programs. Absent: they did not. */
  first: z.literal(true).optional(),
  /** Start time, UTC. */
  date: text,
  /** `mqttd --version` of the executable that played the run. */
  mqttd: text,
  /** The flags of `mqttd simulate-drop`, without the address. */
  flags: text,
  seconds: z.number(),
  /** Share of the processor time of all cores that was used meanwhile, by whatever program. */
  machineBusy: z.number(),
  /** Share of that time in which a clock beside the clients (scripts/meter.ts) was late. Absent: not measured. */
  heldUp: z.number().optional(),
  exitCode: z.number(),
  /** Why the run ended early. Absent: it did not. */
  cutShort: text.optional(),
  /** How the broker ended by itself during the run. Absent: it did not. */
  brokerEnded: text.optional(),
  results: z.array(resultShape),
});

/** One TCP segment with data, or the end of one direction. */
const segmentShape = z.object({
  /** Milliseconds since the first. */
  at: z.number(),
  /** Connections are numbered in the order of their first segments. */
  connection: z.number(),
  from: z.enum(["client", "broker"]),
  /** Hexadecimal, whole. Absent: an end. */
  bytes: text.optional(),
  end: z.enum(["FIN", "RST"]).optional(),
});

const traceShape = z.object({
  id: text,
  protocol,
  date: text,
  mqttd: text,
  /** The verdict of the traced run, in words. */
  verdict: text,
  /** What the bytes show, written by hand. */
  shows: text.optional(),
  /** The part that the page shows: from and until, milliseconds. Absent: all. */
  shown: z.tuple([z.number(), z.number()]).optional(),
  /** Of a long run, the part that matters. */
  segments: z.array(segmentShape),
});

/** All data of one version of one broker. */
const measurementShape = z.object({
  name: text,
  version: text,
  /** The command that installs it. Absent: it was given by its address. */
  get: text.optional(),
  settings: text,
  runs: z.array(runShape),
  traces: z.array(traceShape),
});

export type Result = z.infer<typeof resultShape>;
export type Run = z.infer<typeof runShape>;
export type Segment = z.infer<typeof segmentShape>;
export type Trace = z.infer<typeof traceShape>;
export type Measurement = z.infer<typeof measurementShape>;

/** The start of a file's name: `hivemq-ce`. */
export function fileStem(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
}

export function dataFile(name: string, version: string): string {
  return join(brokersFolder, `${fileStem(name)}-${version}.json`);
}

/** Reads a file of data. Null: not measured yet. Throws if the file does not have the shape. */
export function readMeasurement(file: string): Measurement | null {
  if (!existsSync(file)) return null;
  return measurementShape.parse(JSON.parse(readFileSync(file, "utf8")));
}

/** Reads all files of data: mqttd first, then by name and version. */
export function readMeasurements(): Measurement[] {
  const names = existsSync(brokersFolder) ? readdirSync(brokersFolder) : [];
  const found = names
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => readMeasurement(join(brokersFolder, name)) ?? []);
  const key = ({ name, version }: Measurement): string =>
    `${name === "mqttd" ? 0 : 1} ${name.toLowerCase()} ${version}`;
  return found.sort((one, other) => key(one).localeCompare(key(other), "en", { numeric: true }));
}

/** Replaces the file in one step. */
export function writeMeasurement(measurement: Measurement): void {
  const file = dataFile(measurement.name, measurement.version);
  writeFileSync(`${file}.new`, `${jsonText(measurementShape.parse(measurement))}\n`);
  renameSync(`${file}.new`, file);
}

/** JSON with one line for each object that holds no other object. */
function jsonText(value: unknown): string {
  const isFlat = !Object.values(value ?? {}).some((one) => typeof one === "object");
  if (typeof value !== "object" || value === null || isFlat) return JSON.stringify(value);
  if (Array.isArray(value)) return `[\n${value.map((one) => jsonText(one)).join(",\n")}\n]`;
  const members = Object.entries(value).map(([key, one]) => `"${key}": ${jsonText(one)}`);
  return `{\n${members.join(",\n")}\n}`;
}

const lineShape = z.record(z.string(), z.unknown());

/** Why a run was cut short, by its summary; null: it was not, or the line is no summary. */
export function cutShortOf(line: string): string | null {
  const { type, cutShort } = lineShape.parse(JSON.parse(line));
  return type === "summary" && typeof cutShort === "string" ? cutShort : null;
}

/** The result in one line of `--json`; null: the line is no result. */
export function resultOf(line: string): Result | null {
  const said = lineShape.parse(JSON.parse(line));
  if (said["type"] !== "result") return null;
  const left = new Set<string>(
    said["verdict"] === "pass"
      ? ["rule", "detail", "means"]
      : said["failure"] === null
        ? ["means"]
        : [],
  );
  const kept = Object.entries(said).filter(
    ([key, value]) => value !== null && value !== "" && !left.has(key),
  );
  return resultShape.parse(Object.fromEntries(kept));
}
