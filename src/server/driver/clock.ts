import { uptime } from "node:os";
import type { Millis } from "../../core/io.ts";

/** What the clock is made of; tests hand in their own. All milliseconds. */
export interface TimeSource {
  /** Never goes back, and may stand still while the machine sleeps. */
  monotonic(): number;
  /** Since the epoch; may be set to anything at any time. */
  wall(): number;
  /** Never goes back, and counts the time in which the machine sleeps. */
  sinceBoot(): number;
}

export const systemTime: TimeSource = {
  monotonic: () => performance.now(),
  wall: () => Date.now(),
  sinceBoot: () => uptime() * 1000,
};

/** The time since boot comes in steps of up to a second; less than this is not a suspend. */
const shortestSleepMs = 2000;

/**
 * The broker's time: milliseconds since the epoch that never go back. It is read off the wall once,
 * and runs by the monotonic clock from there, so that a step of the wall clock changes no deadline.
 */
export class Clock {
  readonly #source: TimeSource;
  #offset: number;
  /** How far the time since boot was ahead of the monotonic one: it grows only while asleep. */
  #asleepBefore: number;

  constructor(source: TimeSource = systemTime) {
    this.#source = source;
    this.#offset = source.wall() - source.monotonic();
    this.#asleepBefore = source.sinceBoot() - source.monotonic();
  }

  now(): Millis {
    // The brand is given here; other times follow from this one by `after`.
    return (this.#source.monotonic() + this.#offset) as Millis;
  }

  /**
   * Sets the clock forward by the time that the machine has slept since the last call. Returns that
   * time in milliseconds; 0: it was awake.
   */
  catchUp(): number {
    const asleep = this.#source.sinceBoot() - this.#source.monotonic() - this.#asleepBefore;
    if (asleep < shortestSleepMs) return 0;
    this.#asleepBefore += asleep;
    this.#offset += asleep;
    return asleep;
  }
}
