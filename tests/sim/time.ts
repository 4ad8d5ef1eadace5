import type { Millis } from "../../src/core/io.ts";
import type { TimeSource } from "../../src/server/driver/clock.ts";
import type { DeadlineTimer } from "../../src/server/driver/deadline-timer.ts";

const epoch = 1_800_000_000_000;

/** The clocks of the broker's machine. Milliseconds. */
export class MachineTime implements TimeSource {
  /** Since the world's start, without the time in which the machine slept. */
  now = 0;
  /** Time slept that the broker has not noticed yet. */
  unnoticed = 0;
  #asleep = 0;
  #wallAhead = 0;

  monotonic(): number {
    return this.now;
  }

  wall(): number {
    return epoch + this.now + this.#asleep + this.#wallAhead;
  }

  sinceBoot(): number {
    return this.now + this.#asleep;
  }

  /** The monotonic clock and the timers stand still meanwhile. */
  sleep(milliseconds: number): void {
    this.#asleep += milliseconds;
    this.unnoticed += milliseconds;
  }

  stepWallClock(milliseconds: number): void {
    this.#wallAhead += milliseconds;
  }
}

/** The one timer of a broker's process, like `SystemTimer`: set once for each due time. */
export class MachineTimer implements DeadlineTimer {
  /** When it fires, by the monotonic clock; Infinity: not set. */
  at = Infinity;
  readonly onDue: () => void;
  readonly #time: MachineTime;
  readonly #brokerNow: () => number;
  #armedTo: number | null = null;

  constructor(time: MachineTime, brokerNow: () => number, onDue: () => void) {
    this.#time = time;
    this.#brokerNow = brokerNow;
    this.onDue = onDue;
  }

  arm(due: Millis | null): void {
    if (due === this.#armedTo) return;
    this.stop();
    if (due === null) return;
    this.#armedTo = due;
    this.at = this.#time.now + Math.max(0, Math.ceil(due - this.#brokerNow()));
  }

  stop(): void {
    this.#armedTo = null;
    this.at = Infinity;
  }
}
