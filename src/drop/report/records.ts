import * as z from "zod";
import { quoted } from "../../config/problem.ts";
import type { Result } from "../scenario.ts";

/**
 * The objects of `--json`, in the order of their keys, and how to read them again: docs/simulate-drop.md
 * has the words. Times are milliseconds unless a key says otherwise.
 */

const time = z.number().min(-1e12).max(1e12);
const times = { dueMs: z.nullable(time), gotMs: z.nullable(time) };
const text = z.string();
const textOrNull = z.nullable(text);
const protocol = z.enum(["3.1", "3.1.1", "5"]);
const grade = z.enum(["must", "should", "ours"]);
const judged = ["pass", "fail", "finding", "late", "inconclusive"] as const;
const failure = z.nullable(
  z.enum(["never", "early", "late", "twice", "spurious", "altered", "broken", "alive", "down"]),
);

const settingsShape = z.object({
  /** Seconds. */
  keepAlive: z.number(),
  waitMs: time,
  toleranceMs: time,
  /** Whether it waits on where no will of a silent client comes. */
  longWait: z.boolean(),
  serial: z.boolean(),
  strict: z.boolean(),
  clientId: textOrNull,
  username: textOrNull,
  willTopic: textOrNull,
  willPayload: textOrNull,
  willQos: z.nullable(z.number()),
  willRetain: z.nullable(z.boolean()),
  /** Seconds. */
  willDelay: z.nullable(z.number()),
  deniedTopic: textOrNull,
});

const runShape = z.object({
  type: z.literal("run"),
  mqttd: text,
  commit: textOrNull,
  /** `Bun 1.3.5 on linux x64`. */
  platform: text,
  /** When it began: ISO 8601, UTC. */
  at: text,
  command: z.array(text),
  target: text,
  via: textOrNull,
  /** What the broker says of itself; null: nothing; absent in files of before. */
  brokerVersion: z.optional(textOrNull),
  /** The same at `via`; null without one. */
  viaBrokerVersion: z.optional(textOrNull),
  protocols: z.array(protocol),
  scenarios: z.array(text),
  settings: settingsShape,
});

const armShape = z.object({
  arm: text,
  grade,
  verdict: z.enum(judged),
  failure,
  ...times,
  watchedMs: time,
  keepAlive: z.nullable(z.number()),
});

const resultShape = z.object({
  type: z.literal("result"),
  id: text,
  protocol,
  target: text,
  grade,
  verdict: z.enum([...judged, "skipped"]),
  noVerdict: z.nullable(z.enum(["called off", "unspoken", "may not publish"])),
  failure,
  arm: text,
  ...times,
  latenessMs: z.nullable(time),
  rule: text,
  detail: text,
  means: textOrNull,
  title: text,
  tries: z.number(),
  arms: z.array(armShape),
});

const summaryShape = z.object({
  type: z.literal("summary"),
  passed: z.number(),
  failed: z.number(),
  findings: z.number(),
  late: z.number(),
  inconclusive: z.number(),
  skipped: z.number(),
  notPlayed: z.number(),
  worstKeepaliveLatenessMs: z.nullable(time),
  elapsedMs: time,
  cutShort: textOrNull,
  exitCode: z.number(),
});

export type Settings = z.infer<typeof settingsShape>;
export type RunRecord = z.infer<typeof runShape>;
export type ArmRecord = z.infer<typeof armShape>;
export type ResultRecord = z.infer<typeof resultShape>;
export type SummaryRecord = z.infer<typeof summaryShape>;

/** All that a run said with `--json`. */
export interface Recording {
  readonly run: RunRecord;
  /** Without those that were called off. */
  readonly results: readonly ResultRecord[];
  /** Null: the process ended before the run did. */
  readonly summary: SummaryRecord | null;
}

/** Reads the output of `--json`. Of any other text, returns what is wrong, in words. */
export function recordingOf(output: string): Recording | string {
  let run: RunRecord | null = null;
  let summary: SummaryRecord | null = null;
  const results: ResultRecord[] = [];
  for (const [index, line] of output.split("\n").entries()) {
    if (line.trim() === "") continue;
    const at = `line ${index + 1}`;
    const read = recordOf(line);
    if (typeof read === "string") return `${at}: ${read}`;
    if (read === null) continue;
    if (summary !== null) return `${at}: the summary is not the last line; one run is expected`;
    if (read.type === "run") {
      if (run !== null) return `${at}: another run begins; one is expected`;
      run = read;
    } else if (run === null) {
      return `${at}: the line with "type":"run" is not before it`;
    } else if (read.type === "summary") {
      summary = read;
    } else if (read.noVerdict !== "called off") {
      results.push(read);
    }
  }
  if (run === null) return 'no line has "type":"run"';
  return { run, results, summary };
}

const shapes = { run: runShape, result: resultShape, summary: summaryShape };
const anyShape = z.looseObject({ type: text });

/** Null: a line of a type that is not known here. */
function recordOf(line: string): RunRecord | ResultRecord | SummaryRecord | string | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return `found ${quoted(line)}, allowed: an object of JSON`;
  }
  const any = anyShape.safeParse(value);
  if (!any.success) return `found ${quoted(line)}, allowed: an object with a type`;
  const { type } = any.data;
  if (type !== "run" && type !== "result" && type !== "summary") return null;
  const read = shapes[type].safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const key = issue?.path.join(".") ?? "";
  return `${type}: ${quoted(key)} is missing or not what --json prints`;
}

/** The result as the reports for people take it. */
export function resultIn({ protocol: name, arms, ...record }: ResultRecord): Result {
  return {
    ...record,
    protocol: ({ "3.1": 3, "3.1.1": 4, "5": 5 } as const)[name],
    arms: arms.map(({ keepAlive, ...arm }) => ({ ...arm, keepAliveSeconds: keepAlive })),
  };
}
