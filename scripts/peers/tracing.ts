import type { Protocol } from "./broker.ts";
import { capture } from "./capture.ts";
import { verdictText } from "./cells.ts";
import { type Segment, type Trace, writeMeasurement } from "./measurement.ts";
import { playDrops } from "./play.ts";
import { measurementOf, type Options, type Subject } from "./subject.ts";

/** What to trace, and how. */
export interface Tracing {
  readonly ids: readonly string[];
  /** Out of runs of all scenarios: some verdicts come only with the others' load. */
  readonly isWhole: boolean;
  /** The most runs until something is wrong: results that vary may pass at first. */
  readonly tries: number;
}

interface Found {
  readonly trace: Trace;
  readonly isWrong: boolean;
}

/** Runs of one broker with the same arguments. */
interface Series {
  readonly subject: Subject;
  readonly protocol: Protocol;
  /** Of `simulate-drop`: which scenarios it plays. */
  readonly args: readonly string[];
  readonly options: Options;
}

/** Plays each scenario alone under tcpdump, or all of them. */
export async function trace(
  subjects: readonly Subject[],
  { ids, isWhole, tries }: Tracing,
  options: Options,
): Promise<void> {
  for (const subject of subjects) {
    for (const protocol of subject.protocols.filter((one) => options.protocols.includes(one))) {
      const series = { subject, protocol, options };
      if (isWhole) await traceSeries({ ...series, args: ["--all"] }, ids, tries);
      else for (const id of ids) await traceSeries({ ...series, args: [id] }, [id], tries);
    }
  }
}

/** Keeps, of each scenario, the first trace that shows something wrong, else that of the last run. */
async function traceSeries(series: Series, ids: readonly string[], tries: number): Promise<void> {
  const { subject, protocol } = series;
  const due = new Set(ids);
  for (let left = tries; left > 0 && due.size > 0; left--) {
    const found = await tracesOf(series, [...due]);
    for (const { trace } of found.filter(({ isWrong }) => isWrong || left === 1)) {
      due.delete(trace.id);
      const title = `${subject.name} ${subject.version}, MQTT ${protocol}, ${trace.id}`;
      console.error(`${title}: ${trace.verdict}`);
      keepTrace(subject, trace);
    }
  }
}

/** The traces of these scenarios out of one run. */
async function tracesOf(
  { subject, protocol, args, options: { mqttd, version, wait } }: Series,
  ids: readonly string[],
): Promise<Found[]> {
  const running = await subject.start(protocol);
  try {
    let results: Awaited<ReturnType<typeof playDrops>>["results"] = [];
    const segments = await capture(running.port, async () => {
      ({ results } = await playDrops(mqttd, running, protocol, [...args, "--wait", wait]));
    });
    const date = new Date().toISOString().slice(0, 10);
    return ids.map((id) => {
      const result = results.find((one) => one.id === id);
      const verdict = result === undefined ? "no result" : verdictText(result);
      const own = args.includes(id) ? segments : segmentsOfScenario(segments, id);
      const trace = { id, protocol, date, mqttd: version, verdict, segments: own };
      return { trace, isWrong: result?.failure !== undefined };
    });
  } finally {
    await running.stop();
  }
}

/** The connections whose first bytes name the scenario, as its client ids do. */
export function segmentsOfScenario(segments: readonly Segment[], id: string): Segment[] {
  const mark = new RegExp(`mqttd-drop-[0-9a-f]{8}-${id}-v`);
  const seen = new Set<number>();
  const own = new Map<number, number>();
  for (const { connection, bytes = "" } of segments) {
    if (seen.has(connection)) continue;
    seen.add(connection);
    if (mark.test(Buffer.from(bytes, "hex").toString("latin1"))) own.set(connection, own.size + 1);
  }
  const found = segments.flatMap((segment) => {
    const connection = own.get(segment.connection);
    return connection === undefined ? [] : { ...segment, connection };
  });
  const first = found[0]?.at ?? 0;
  return found.map((segment) => ({ ...segment, at: Math.round((segment.at - first) * 10) / 10 }));
}

/** Replaces the kept trace of the same scenario. */
function keepTrace(subject: Subject, found: Trace): void {
  const kept = measurementOf(subject);
  const others = kept.traces.filter(
    ({ id, protocol }) => id !== found.id || protocol !== found.protocol,
  );
  writeMeasurement({ ...kept, traces: [...others, found] });
}
