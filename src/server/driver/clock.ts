import { uptime } from "node:os";
import type { Millis } from "../../core/io.ts";

/** The clock's sources, milliseconds; tests pass their own. */
export interface TimeSource {
  /** Never goes back; may stop while the machine sleeps. */
  monotonic(): number;
  /** Since the epoch; may jump at any time. */
  wall(): number;
  /** Never goes back; keeps counting while the machine sleeps. */
  sinceBoot(): number;
}

export const systemTime: TimeSource = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  sinceBoot: () => uptime() * 1000,
};

/** The time since boot has steps of up to a second; less than this is not a suspend. */
const shortestSleepMs = 2000;

/**
 * The broker's time: milliseconds since the epoch that never go back. The clock reads the wall
 * clock once and then follows the monotonic one, so that a step of the wall clock moves no
 * deadline.
 */
export class Clock {
  readonly #source: TimeSource;
  #offset: number;
  /** Lead of the time since boot over the monotonic clock: grows only while the machine sleeps. */
  #asleepBefore: number;

  constructor(source: TimeSource = systemTime) {
    this.#source = source;
    this.#offset = source.wall() - source.monotonic();
    this.#asleepBefore = source.sinceBoot() - source.monotonic();
  }

  now(): Millis {
    // The only cast to Millis; `after` computes other times from this one.
    return (this.#source.monotonic() + this.#offset) as Millis;
  }

  /**
   * Moves the clock forward by the machine's sleep since the last call. Returns the sleep in
   * milliseconds; 0: the machine was awake.
   */
  catchUp(): number {
    const asleep = this.#source.sinceBoot() - this.#source.monotonic() - this.#asleepBefore;
    if (asleep < shortestSleepMs) return 0;
    this.#asleepBefore += asleep;
    this.#offset += asleep;
    return asleep;
  }
}
