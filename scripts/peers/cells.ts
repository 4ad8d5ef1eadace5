import type { Protocol } from "./broker.ts";
import type { Measurement, Result, Run } from "./measurement.ts";

/** The results of all runs for one scenario in one protocol. */
export interface Cell {
  readonly id: string;
  readonly protocol: Protocol;
  /** In the order of the runs. */
  readonly results: readonly Result[];
  /** The results of all busy runs. */
  readonly busy: ReadonlySet<Result>;
  /** Number of runs; runs that were cut short lack some results. */
  readonly runs: number;
}

/** Equal results, and their number. */
export interface Tally {
  /** `fail: never`, `pass`. */
  readonly verdict: string;
  readonly count: number;
  readonly results: readonly Result[];
}

export function runsOf({ runs }: Measurement, protocol: Protocol): Run[] {
  return runs.filter((run) => run.protocol === protocol);
}

export function protocolsOf(measurement: Measurement): Protocol[] {
  return (["3.1.1", "5"] as const).filter((protocol) => runsOf(measurement, protocol).length > 0);
}

/** In the order of the results. */
export function cellsOf(measurement: Measurement, protocol: Protocol): Cell[] {
  const runs = runsOf(measurement, protocol);
  const results = runs.flatMap((run) => run.results);
  const busy = new Set(runs.flatMap((run) => (run.load === "busy" ? run.results : [])));
  const ids = [...new Set(results.map(({ id }) => id))];
  return ids.map((id) => ({
    id,
    protocol,
    results: results.filter((result) => result.id === id),
    busy,
    runs: runs.length,
  }));
}

const gravest = ["fail", "finding", "late", "inconclusive", "pass", "skipped"] as const;

/** The gravest verdict first. */
export function talliesOf({ results }: Cell): Tally[] {
  const groups = Map.groupBy(results, verdictText);
  return [...groups]
    .map(([verdict, own]) => ({ verdict, count: own.length, results: own }))
    .sort((one, other) => gravity(one) - gravity(other));
}

function gravity({ results: [result] }: Tally): number {
  return result === undefined ? gravest.length : gravest.indexOf(result.verdict);
}

/** `fail: never`, `late`, `pass`. */
export function verdictText({ verdict, failure }: Result): string {
  return failure === undefined || failure === verdict ? verdict : `${verdict}: ${failure}`;
}

/**
 * One line for the table: `pass`, `**never**` (a failure), `_never_` (a finding), `late 1.9 s`. If runs
 * differ, each verdict with its rate, `**never** 2 of 6`; without that of a pass if all others passed.
 */
export function cellText(cell: Cell | undefined): string {
  if (cell === undefined) return "";
  const tallies = talliesOf(cell);
  const isWhole = cell.results.length === cell.runs;
  return tallies
    .filter(({ verdict }) => !(isWhole && tallies.length > 1 && verdict === "pass"))
    .map((tally) => `${tallyText(tally)}${rateText(tally, cell)}`)
    .join(", ");
}

/** ` 2 of 6`; empty: all runs agree. */
export function rateText({ count }: Tally, { runs }: Cell): string {
  return count === runs ? "" : ` ${count} of ${runs}`;
}

/** `busy`, if all these runs were and not all runs are; `calm` likewise; null: neither. */
export function loadOf({ results }: Tally, cell: Cell): Run["load"] | null {
  const loads = new Set(results.map((result) => cell.busy.has(result)));
  const all = new Set(cell.results.map((result) => cell.busy.has(result)));
  return loads.size === all.size ? null : loads.has(true) ? "busy" : "calm";
}

function tallyText({ results }: Tally): string {
  const [result] = results;
  switch (result?.verdict) {
    case "fail":
      return `**${result.failure}**`;
    case "finding":
      return `_${result.failure}_`;
    case "late":
      return `late ${latenessText(results)}`;
    case "inconclusive":
      return "?";
    case "skipped":
      return "-";
    default:
      return "pass";
  }
}

/** `1.9 s`, or `1.9 to 6.2 s` if they differ by more than a fifth of a second. */
export function latenessText(results: readonly Result[]): string {
  const seconds = results.flatMap(({ latenessMs }) =>
    latenessMs === undefined ? [] : latenessMs / 1000,
  );
  const [least, most] = [Math.min(...seconds), Math.max(...seconds)];
  if (most - least < 0.2) return `${most.toFixed(1)} s`;
  return `${least.toFixed(1)} to ${most.toFixed(1)} s`;
}
