import type { Broker } from "./broker.ts";
import { isUnread, type Connection } from "./connection.ts";
import { Deadline } from "./deadlines.ts";
import type { EndCause } from "./end-causes.ts";
import { after, type Millis } from "./io.ts";
import type { Schedule } from "./schedule.ts";
import type { Timed } from "./timed.ts";

/** How often the log counts the connections that were reset to make room. */
const reportEveryMs = 1000;
/** Connections that failed before MQTT that the log tells one by one, in that time. */
const failuresTold = 20;

/** Connections that have not sent CONNECT yet: the first to go when the places are taken. */
export class Crowd {
  /** In the order in which they opened. */
  readonly #waiting = new Set<Connection>();
  readonly report = new Deadline<Timed>({ kind: "crowd" });
  /** Reset since the last report. */
  reset = 0;
  /** Failed before MQTT since the last report. */
  #failed = 0;

  add(connection: Connection): void {
    this.#waiting.add(connection);
  }

  /** Call when its CONNECT has arrived, or it ends. */
  remove(connection: Connection): void {
    this.#waiting.delete(connection);
  }

  /** Whether so many have failed before MQTT lately that the log only counts this one. */
  isOneOfMany(cause: EndCause, deadlines: Schedule, now: Millis): boolean {
    if (cause !== "tlsFailed" && cause !== "proxyFailed") return false;
    this.#failed += 1;
    this.expectReport(deadlines, now);
    return this.#failed > failuresTold;
  }

  expectReport(deadlines: Schedule, now: Millis): void {
    if (!this.report.isSet) deadlines.set(this.report, after(now, reportEveryMs));
  }

  /** What the log has not told since the last report. */
  takeUntold(): { readonly reset: number; readonly failed: number } {
    const untold = { reset: this.reset, failed: Math.max(0, this.#failed - failuresTold) };
    this.reset = 0;
    this.#failed = 0;
    return untold;
  }

  /**
   * The one that has waited longest, of one listener or (null) of all; null: none waits. Not one whose
   * packets wait in the driver: CONNECT may be among them.
   */
  oldest(listener: string | null): Connection | null {
    for (const connection of this.#waiting) {
      if (isUnread(connection)) continue;
      if (listener === null || connection.listener.name === listener) return connection;
    }
    return null;
  }
}

export function reportCrowd(broker: Broker): void {
  const { reset, failed } = broker.crowd.takeUntold();
  if (reset + failed === 0) return;
  const more = failed > 0 ? { failed } : {};
  broker.note({ event: "crowded", reset, ...more, withinMs: reportEveryMs });
}
