import type { Millis } from "../../core/io.ts";

/** A heartbeat this late shows that the process was blocked. */
const standstillMs = 100;

/** Detects that the loop was blocked past the time of a heartbeat. */
export class Standstill {
  /** Null: there are no heartbeats. */
  readonly #heartbeatMs: number | null;
  /** From this time on, the next heartbeat is too late. */
  #lateAt = Infinity;

  constructor(heartbeatMs: number | null) {
    this.#heartbeatMs = heartbeatMs;
  }

  /** The next heartbeat is due an interval from `now`. */
  expectHeartbeat(now: Millis): void {
    if (this.#heartbeatMs !== null) this.#lateAt = now + this.#heartbeatMs + standstillMs;
  }

  /** The machine slept, and the clock was moved forward by as much. */
  slept(milliseconds: number): void {
    this.#lateAt += milliseconds;
  }

  /** Whether the loop was blocked between two turns that follow each other. */
  isBetween(since: Millis, now: Millis): boolean {
    // Many short turns delay the timers too, but then the loop is not blocked.
    return now > this.#lateAt && now - since >= standstillMs;
  }
}
