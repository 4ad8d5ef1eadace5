import type { Millis } from "../../src/core/io.ts";
import { Clock, type TimeSource } from "../../src/server/driver/clock.ts";

/** Packets after which the driver looks whether its turn has taken too long. */
const packetsBetweenLooks = 64;
const longTurnMs = 10;

/**
 * A clock by which turns of many packets take long, now and then, though no time passes: the driver
 * cuts them short. Whoever else asks is told how late it is.
 */
export class TurnClock extends Clock {
  /** That were read since the driver has looked. */
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
    // Only the driver's look at its turn sees it.
    return isLong ? ((now + longTurnMs) as Millis) : now;
  }

  peek(): Millis {
    return super.now();
  }
}
