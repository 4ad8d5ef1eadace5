import type { Overview } from "../../src/api/api.ts";
import type { Growth } from "./samples.ts";

export interface SoakReport {
  readonly seconds: number;
  readonly connections: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly lives: number;
  readonly wills: Overview["wills"];
  /** Wills whose fate was too close to call; that they had exactly one is checked all the same. */
  readonly willsUndecided: number;
  readonly messages: {
    readonly sent: number;
    readonly delivered: number;
    readonly qos0Missed: number;
    readonly qos1Again: number;
  };
  /** Milliseconds, of the broker's own measure: keepalive deadlines, and how late the worst was at most. */
  readonly keepAlive: {
    readonly count: number;
    readonly worstMs: number | null;
    /** Later than 50 ms. */
    readonly late: number;
  };
  /** Each time that the broker's event loop stood still, as its log says: milliseconds. */
  readonly blockedMs: readonly number[];
  /** The same as the watcher sees it: from the due time to the will's arrival. */
  readonly silentWills: { readonly count: number; readonly worstMs: number };
  readonly memory: {
    readonly startBytes: number;
    readonly endBytes: number;
    readonly growth: Growth | null;
  };
  readonly descriptors: { readonly start: number; readonly most: number; readonly end: number };
  /** Share of a core that the broker used. */
  readonly cpu: number | null;
  /** What was wrong; empty: nothing. */
  readonly faults: readonly string[];
}

/** What mqttd promises to stay below, where the machine lets it. */
const lateMs = 50;

/** The upper bound of the last bucket that holds something; null: above all of them. */
export function worstOf(histogram: Overview["keepAliveLateness"]): SoakReport["keepAlive"] {
  const { buckets, count } = histogram;
  const worst = buckets.find((bucket) => bucket.count >= count);
  const inTime = buckets.find(({ leMs }) => leMs === lateMs)?.count ?? 0;
  return { count, worstMs: count === 0 ? 0 : (worst?.leMs ?? null), late: count - inTime };
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
