import type { Overview } from "../../src/api/api.ts";
import type { Growth } from "./samples.ts";

export interface SoakReport {
  readonly seconds: number;
  readonly connections: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly lives: number;
  readonly wills: Overview["wills"];
  /** Wills whose fate was too close to call; the check of exactly one fate includes them. */
  readonly willsUndecided: number;
  readonly messages: {
    readonly sent: number;
    readonly delivered: number;
    readonly qos0Missed: number;
    readonly qos1Again: number;
  };
  /** Milliseconds, measured by the broker: the lateness of keepalive deadlines and its maximum. */
  readonly keepAlive: {
    readonly count: number;
    readonly worstMs: number | null;
    /** Later than 50 ms. */
    readonly late: number;
  };
  /** Each standstill of the broker's event loop, from its log: milliseconds. */
  readonly blockedMs: readonly number[];
  /** The same from the watcher's view: from the due time to the will's arrival. */
  readonly silentWills: { readonly count: number; readonly worstMs: number };
  readonly memory: {
    readonly startBytes: number;
    readonly endBytes: number;
    readonly growth: Growth | null;
  };
  readonly descriptors: { readonly start: number; readonly most: number; readonly end: number };
  /** Share of a core that the broker used. */
  readonly cpu: number | null;
  /** Errors; empty: none. */
  readonly faults: readonly string[];
}

/** The figures that mqttd promises, if the machine allows them. */
const lateMs = 50;

/** The upper bound of the last non-empty bucket; null: above all of them. */
export function worstOf(histogram: Overview["keepAliveLateness"]): SoakReport["keepAlive"] {
  const { buckets, count } = histogram;
  const worst = buckets.find((bucket) => bucket.count >= count);
  const inTime = buckets.find(({ leMs }) => leMs === lateMs)?.count ?? 0;
  return { count, worstMs: count === 0 ? 0 : (worst?.leMs ?? null), late: count - inTime };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
