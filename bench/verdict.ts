import { type Cell, mebibytes, noisyAbove, type Spread, spread, table, thousands } from "./cell.ts";
import type { LoadReport } from "./load.ts";
import type { Workload } from "./workload.ts";

/** One line of the result: a broker under a workload, against mosquitto and the target. */
export interface Row {
  readonly workload: string;
  readonly title: string;
  readonly window: number;
  readonly broker: string;
  readonly perSecond: Spread | null;
  /** Ratio of the medians; null for mosquitto itself, or if a median is missing. */
  readonly ratio: number | null;
  readonly target: number;
  /** Only mqttd has targets. A cell with an invalid run has missed its target. */
  readonly verdict: "met" | "missed" | "none";
  /** Share of its own core that the broker used, and the load likewise; medians. */
  readonly brokerBusy: number | null;
  readonly loaderBusy: number | null;
  readonly brokerPeakRssBytes: number | null;
  /** Mean number of messages in a read. */
  readonly perRead: number | null;
  /** Deliveries per CPU second of the loader: the rate at which it would be the limit. */
  readonly loaderCeiling: number | null;
  readonly notes: readonly string[];
  readonly cell: Cell<LoadReport>;
}

/** Above this share of a core used by other processes, a note says so. */
const disturbedAbove = 0.1;

export function judge(workload: Workload, cells: readonly Cell<LoadReport>[]): Row[] {
  const baseline = cells.find(({ broker }) => broker === "mosquitto");
  const base = baseline === undefined ? null : rate(baseline);
  return cells.map((cell) => {
    const perSecond = rate(cell);
    const isBase = cell === baseline;
    const ratio =
      isBase || base === null || perSecond === null ? null : perSecond.median / base.median;
    const judged = cell.broker === "mqttd" && workload.target > 0 && baseline !== undefined;
    const valid = cell.errors.length === 0 && baseline?.errors.length === 0;
    const met = valid && ratio !== null && ratio >= workload.target;
    const row = {
      workload: workload.name,
      title: workload.title,
      window: workload.window,
      broker: cell.broker,
      perSecond,
      ratio,
      target: workload.target,
      verdict: judged ? (met ? ("met" as const) : ("missed" as const)) : ("none" as const),
      brokerBusy: median(cell, (run) => share(run.brokerCpuSeconds, run.seconds)),
      loaderBusy: median(cell, (run) => run.loaderCpuSeconds / run.seconds),
      brokerPeakRssBytes: median(cell, (run) => run.brokerPeakRssBytes),
      perRead: median(cell, (run) => run.perRead),
      loaderCeiling: median(cell, (run) => run.delivered / Math.max(0.001, run.loaderCpuSeconds)),
    };
    return { ...row, notes: notesOf(row, cell), cell };
  });
}

export function rowText(
  rows: readonly Row[],
  made: { readonly runs: number; readonly seconds: number; readonly version: 4 | 5 },
): string {
  const mqtt = made.version === 5 ? "MQTT 5.0" : "MQTT 3.1.1";
  const headline = `Delivered messages per second, 64 B payload, ${mqtt}: medians of ${made.runs} x ${made.seconds} s`;
  const header = [
    ["workload", "window", "broker", "delivered/s", "min..max", "ratio", "target", "", "broker"],
    ["load", "load ceiling", "per read", "peak RSS"],
  ].flat();
  const lines = rows.map((row) => [
    row.title,
    String(row.window),
    row.broker,
    row.perSecond === null ? "invalid" : thousands(row.perSecond.median),
    row.perSecond === null
      ? "-"
      : `${thousands(row.perSecond.min)}..${thousands(row.perSecond.max)}`,
    row.ratio === null ? "-" : `${row.ratio.toFixed(2)} x`,
    row.verdict === "none" ? "" : `>= ${row.target} x`,
    row.verdict === "none" ? "" : row.verdict,
    percent(row.brokerBusy),
    percent(row.loaderBusy),
    row.loaderCeiling === null ? "-" : thousands(row.loaderCeiling),
    row.perRead === null ? "-" : row.perRead.toFixed(1),
    mebibytes(row.brokerPeakRssBytes),
  ]);
  const legend =
    "broker, load: CPU time over elapsed time (100 %: one core); load ceiling: deliveries per CPU second of the load; per read: messages in a subscriber's read";
  return `${headline}\n${table([header, ...lines], 3)}\n${legend}`;
}

/** Notes, invalid runs, and whether the targets were met. */
export function verdictLines(rows: readonly Row[]): string[] {
  const about = (row: Row) => `${row.workload}, ${row.broker}`;
  const judged = rows.filter(({ verdict }) => verdict !== "none");
  const met = judged.filter(({ verdict }) => verdict === "met").length;
  return [
    ...rows.flatMap((row) => row.notes.map((note) => `note: ${about(row)}: ${note}`)),
    ...rows.flatMap((row) => row.cell.errors.map((error) => `INVALID: ${about(row)}: ${error}`)),
    judged.length === 0
      ? "targets: none judged (requires mqttd, mosquitto and a workload with a target)"
      : `targets: ${met} of ${judged.length} met`,
  ];
}

function notesOf(row: Omit<Row, "notes" | "cell">, cell: Cell<LoadReport>): string[] {
  const notes = new Set(cell.runs.flatMap((run) => run.notes));
  const { perSecond, brokerBusy, loaderBusy } = row;
  if (perSecond !== null && perSecond.max / perSecond.min > noisyAbove) {
    const factor = (perSecond.max / perSecond.min).toFixed(2);
    notes.add(`noisy: the runs differ by a factor of ${factor} (more than ${noisyAbove})`);
  }
  const others = Math.max(...cell.runs.map((run) => share(run.othersCpuSeconds, run.seconds) ?? 0));
  if (others > disturbedAbove)
    notes.add(
      `disturbed: other processes used up to ${percent(others)} of a core in one of its runs`,
    );
  if (brokerBusy !== null && loaderBusy !== null && loaderBusy > 0.9 && brokerBusy < 0.9)
    notes.add("the load was the limit, not the broker: the true figure is higher");
  return [...notes];
}

function rate(cell: Cell<LoadReport>): Spread | null {
  return spread(cell.runs.map((run) => run.perSecond));
}

function median(cell: Cell<LoadReport>, read: (run: LoadReport) => number | null): number | null {
  return spread(cell.runs.map(read).filter((value) => value !== null))?.median ?? null;
}

function share(used: number | null, seconds: number): number | null {
  return used === null ? null : used / seconds;
}

function percent(part: number | null): string {
  return part === null ? "-" : `${Math.round(part * 100)} %`;
}
