import type { Restart } from "../api/api.ts";
import { signOfLifeMs } from "../core/durable.ts";
import type { PastRun } from "../store/store.ts";

/**
 * The brokers before on a store, the latest first. `backAt`: when the one started that runs; null: none
 * does.
 */
export function restartsOf(pastRuns: readonly PastRun[], backAt: number | null): Restart[] {
  return pastRuns
    .map(({ process: pid, stopped, heartbeat: lastSignAt, keptUntil }, index): Restart => {
      const behind = keptUntil === null ? {} : { keptUntil };
      const next = pastRuns[index + 1]?.started ?? backAt;
      if (stopped !== null)
        return { pid, how: "stopped", at: stopped, lastSignAt, ...behind, backAt: next };
      const at = Math.min(lastSignAt + signOfLifeMs, next ?? Infinity);
      return { pid, how: "killed", at, lastSignAt, ...behind, backAt: next };
    })
    .reverse();
}
