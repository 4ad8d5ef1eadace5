import type { Overview } from "../api/api.ts";
import { Histogram } from "../core/records/histogram.ts";
import type { Statistics } from "../core/sys.ts";

const lagSeconds = 60;
const rateSeconds = 10;

type Counted = keyof Overview["rates"];

interface Sample extends Record<Counted, number> {
  /** Milliseconds, monotonic. */
  readonly at: number;
}

/** Measurements by the heartbeat: lag of the event loop, and rates from the core's counters. */
export class Vitals {
  readonly #lags: number[] = [];
  /** Since the start. */
  readonly lag = new Histogram();
  readonly #samples: Sample[] = [];

  /** Call about once a second. `lagMs`: the worst lateness of that second's heartbeats. */
  beat(lagMs: number, at: number, counted: Statistics): void {
    this.lag.add(Math.max(0, lagMs));
    this.#lags.push(Math.max(0, lagMs));
    if (this.#lags.length > lagSeconds) this.#lags.shift();
    this.#samples.push({
      at,
      publishesReceived: counted.publishReceived,
      publishesSent: counted.publishSent,
      bytesReceived: counted.bytesReceived,
      bytesSent: counted.bytesSent,
      connections: counted.socketsOpened,
    });
    if (this.#samples.length > rateSeconds + 1) this.#samples.shift();
  }

  get loopLagMs(): { readonly median: number; readonly worst: number } {
    const sorted = this.#lags.toSorted((a, b) => a - b);
    return { median: sorted[sorted.length >> 1] ?? 0, worst: sorted.at(-1) ?? 0 };
  }

  get rates(): Overview["rates"] {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    const rate = (counted: Counted): number => {
      if (first === undefined || last === undefined || last.at <= first.at) return 0;
      return ((last[counted] - first[counted]) * 1000) / (last.at - first.at);
    };
    return {
      publishesReceived: rate("publishesReceived"),
      publishesSent: rate("publishesSent"),
      bytesReceived: rate("bytesReceived"),
      bytesSent: rate("bytesSent"),
      connections: rate("connections"),
    };
  }

  /** Since the process started. */
  get cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  }

  /** Memory of the process, bytes. */
  get memory(): { readonly rssBytes: number; readonly heapBytes: number } {
    const { rss, heapUsed } = process.memoryUsage();
    return { rssBytes: rss, heapBytes: heapUsed };
  }
}
