import type { Figure, LoadReport } from "../load.ts";
import type { RunResult } from "../measure.ts";
import { noisyAbove, type Spread, spread } from "../statistics.ts";

/** What a row is, as far as a report needs it. */
export interface RowFacts {
  readonly name: string;
  readonly title: string;
  readonly better: "more" | "less" | null;
}

/** A figure over all runs. */
export interface FigureSpread extends Spread {
  readonly name: string;
  readonly unit: Figure["unit"];
}

/** What the bystander saw: medians over the runs. Milliseconds. */
export interface SightingSummary {
  readonly pingP99: number | null;
  readonly pingWorst: number | null;
  readonly echoP99: number | null;
  readonly echoWorst: number | null;
  readonly judgedP99: number | null;
  readonly judgedWorst: number | null;
  readonly silentP99: number | null;
  readonly silentWorst: number | null;
  /** Wills that never came, all runs together. */
  readonly silentMissing: number;
  readonly pinging: number;
  /** The most that were ended in one run. */
  readonly ended: number;
}

/** One broker under one row, over its valid runs. */
export interface Line {
  readonly broker: string;
  readonly runs: number;
  readonly figures: readonly FigureSpread[];
  /**
   * The first figure over that of the first broker, run by run, since both were measured in the same
   * minutes. Null: nothing to compare with.
   */
  readonly ratio: Spread | null;
  /**
   * The first figure, if it is a rate, for each CPU second of the broker: what a busy machine changes
   * least. Null: no rate, or the CPU is unknown.
   */
  readonly perCpuSecond: number | null;
  /** Microseconds of the broker's CPU for each message or client; null as `perCpuSecond`. */
  readonly costs: Spread | null;
  /** Medians of the shares of a core. */
  readonly brokerBusy: number | null;
  readonly loadBusy: number | null;
  /** The most that other programs used in a run, the bystander included. */
  readonly othersBusy: number;
  /** The load was the limit: the true figure is better. */
  readonly isLoadBound: boolean;
  /** The highest of all runs, and the least growth over what the broker had before; bytes. */
  readonly peakRss: number | null;
  readonly grownRss: number | null;
  readonly sighting: SightingSummary | null;
  readonly notes: readonly string[];
  readonly errors: readonly string[];
}

export interface RowSummary extends RowFacts {
  readonly lines: readonly Line[];
}

/** Above this share of a core, the load may have been the limit. */
const boundAbove = 0.9;

/** In the order of the rows and brokers given; those without a run are left out. */
export function summarize(
  rows: readonly RowFacts[],
  brokers: readonly string[],
  results: readonly RunResult[],
): RowSummary[] {
  return rows.flatMap(({ name, title, better }) => {
    const lines: Line[] = [];
    let base: readonly RunResult[] | null = null;
    for (const broker of brokers) {
      const own = results.filter((result) => result.row === name && result.broker === broker);
      if (own.length === 0) continue;
      lines.push(lineOf(broker, better, own, base));
      base ??= own;
    }
    return lines.length === 0 ? [] : [{ name, title, better, lines }];
  });
}

function lineOf(
  broker: string,
  better: RowFacts["better"],
  results: readonly RunResult[],
  base: readonly RunResult[] | null,
): Line {
  const valid = results.filter(isValid);
  const loads = valid.flatMap(({ load }) => (load === null ? [] : [load]));
  const median = (numbers: readonly (number | null)[]) =>
    spread(numbers.filter((number) => number !== null))?.median ?? null;
  const figures = figuresOf(loads.map((load) => load.figures));
  const brokerBusy = median(loads.map(({ cpu }) => share(cpu.broker, cpu.seconds)));
  const loadBusy = median(loads.map(({ cpu }) => share(cpu.load, cpu.seconds)));
  const peaks = loads.flatMap(({ rss }) => (rss.peak === null ? [] : [rss.peak]));
  const grown = loads.flatMap(({ rss }) =>
    rss.peak === null || rss.before === null ? [] : [rss.peak - rss.before],
  );
  const notes = new Set(loads.flatMap((load) => load.notes));
  const [first] = figures;
  const refused = Math.max(0, ...valid.map(({ sighting }) => sighting?.refused ?? 0));
  if (refused > 0) notes.add(`${refused} CONNECTs of the bystander got no CONNACK`);
  if (better !== null && first !== undefined && first.min > 0 && first.max / first.min > noisyAbove)
    notes.add(`noisy: the runs differ by a factor of ${(first.max / first.min).toFixed(2)}`);
  return {
    broker,
    runs: valid.length,
    figures,
    ratio: base === null || better === null ? null : ratioOf(better, valid, base.filter(isValid)),
    perCpuSecond: first?.unit === "/s" ? median(loads.map(perCpuSecond)) : null,
    costs: first?.unit === "/s" ? costsOf(loads) : null,
    brokerBusy,
    loadBusy,
    othersBusy: Math.max(0, ...loads.map(({ cpu }) => share(cpu.others, cpu.seconds) ?? 0)),
    isLoadBound: (loadBusy ?? 0) > boundAbove,
    peakRss: peaks.length === 0 ? null : Math.max(...peaks),
    grownRss: grown.length === 0 ? null : Math.max(...grown),
    sighting: sightingOf(valid),
    notes: [...notes],
    errors: results.flatMap(({ run, errors }) => errors.map((error) => `run ${run}: ${error}`)),
  };
}

function figuresOf(runs: readonly (readonly Figure[])[]): FigureSpread[] {
  return (runs[0] ?? []).flatMap(({ name, unit }) => {
    const values = runs.flatMap((figures) =>
      figures.filter((figure) => figure.name === name).map(({ value }) => value),
    );
    // A figure that could not be measured is no number, and null in JSON.
    const whole = spread(values.filter((value) => Number.isFinite(value)));
    return whole === null ? [] : [{ name, unit, ...whole }];
  });
}

function isValid({ errors, load }: RunResult): boolean {
  return errors.length === 0 && load !== null;
}

/** Above 1 is better, whichever way the figure goes. */
function ratioOf(
  better: "more" | "less",
  own: readonly RunResult[],
  base: readonly RunResult[],
): Spread | null {
  const first = (result: RunResult | undefined) => result?.load?.figures[0]?.value ?? 0;
  return spread(
    own.flatMap((result) => {
      const mine = first(result);
      const other = first(base.find(({ run }) => run === result.run));
      if (!(mine > 0 && other > 0)) return [];
      return [better === "more" ? mine / other : other / mine];
    }),
  );
}

function sightingOf(results: readonly RunResult[]): SightingSummary | null {
  const sightings = results.flatMap(({ sighting }) => (sighting === null ? [] : [sighting]));
  const [first] = sightings;
  if (first === undefined) return null;
  const median = (read: (sighting: (typeof sightings)[number]) => number | null) =>
    spread(sightings.map(read).filter((number) => number !== null))?.median ?? null;
  return {
    pingP99: median(({ ping }) => ping.p99),
    pingWorst: median(({ ping }) => ping.worst),
    echoP99: median(({ echo }) => echo.p99),
    echoWorst: median(({ echo }) => echo.worst),
    judgedP99: median(({ judged }) => judged.p99),
    judgedWorst: median(({ judged }) => judged.worst),
    silentP99: median(({ silent }) => silent.p99),
    silentWorst: median(({ silent }) => silent.worst),
    silentMissing: sightings.reduce((sum, { silentMissing }) => sum + silentMissing, 0),
    pinging: first.pinging,
    ended: Math.max(...sightings.map(({ ended }) => ended)),
  };
}

function perCpuSecond({ figures, cpu }: LoadReport): number | null {
  const busy = share(cpu.broker, cpu.seconds);
  const value = figures[0]?.value;
  return busy === null || busy <= 0 || value === undefined ? null : value / busy;
}

function costsOf(loads: readonly LoadReport[]): Spread | null {
  const rates = loads.map(perCpuSecond).filter((rate) => rate !== null && rate > 0);
  return spread(rates.map((rate) => 1e6 / (rate ?? Infinity)));
}

function share(used: number | null, seconds: number): number | null {
  return used === null || seconds <= 0 ? null : used / seconds;
}

export function percent(part: number | null): string {
  return part === null ? "-" : `${Math.round(part * 100)} %`;
}
