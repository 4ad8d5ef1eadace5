import type { Millis } from "../../src/core/io.ts";
import { Clock, type TimeSource } from "../../src/server/driver/clock.ts";

/** Packets after which the driver checks whether its turn has taken too long. */
const packetsBetweenLooks = 64;
const longTurnMs = 10;

/**
 * A clock by which turns of many packets sometimes take long, although no time passes: the driver
 * cuts them short. Other callers get the real lateness.
 */
export class TurnClock extends Clock {
  /** Packets read since the driver's last check. */
  packets = 0;
  readonly #isLong: () => boolean;

  constructor(source: TimeSource, isLong: () => boolean) {
    super(source);
    this.#isLong = isLong;
  }

  override now(): Millis {
    const now = super.now();
    const isLong = this.packets >= packetsBetweenLooks && this.#isLong();
    this.packets = 0;
    // Only the driver's check of its turn reads it.
    return isLong ? ((now + longTurnMs) as Millis) : now;
  }

  peek(): Millis {
    return super.now();
  }
}
