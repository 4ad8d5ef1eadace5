import type { Millis } from "../core/io.ts";
import { Clock } from "../server/driver/clock.ts";
import type { DeadlineTimer } from "../server/driver/deadline-timer.ts";
import type { Loop } from "../server/driver/loop.ts";
import type { EmbeddedTime } from "../server/embedded.ts";
import { platformLoop } from "../server/platform.ts";
import type { LinkEvents } from "../transport/transport.ts";

/** Turns of the loop without news after which everything that was sent has arrived. */
const quietTurns = 5;
const lastTurnMs = 1;
/** Turns with news after which clients are taken to answer each other without end. */
const newsMax = 20_000;

/**
 * A broker's time that stands still until a test lets it pass. Sockets stay real: between two
 * deadlines the loop turns until it brings no news.
 */
export class TestTime implements EmbeddedTime {
  readonly loop: Loop;
  readonly clock: Clock;
  readonly #real = platformLoop();
  readonly #epoch = Date.now();
  #passedMs = 0;
  #due: Millis | null = null;
  #fire: () => void = () => {};
  /** Counts what links report. */
  #news = 0;
  /** Work of the driver that waits for a turn of the loop. */
  #waiting = 0;
  #advanced: Promise<void> = Promise.resolve();

  constructor() {
    const passed = (): number => this.#passedMs;
    this.clock = new Clock({
      monotonic: passed,
      sinceBoot: passed,
      wall: () => this.#epoch + this.#passedMs,
    });
    const real = this.#real;
    this.loop = {
      soon: (work) => real.soon(this.#counted(work)),
      after: (milliseconds, work) => {
        // Longer delays are bounds on what the other side does, in real time.
        if (milliseconds > 0) return real.after(milliseconds, work);
        const counted = this.#counted(work);
        const cancel = real.after(0, counted);
        return () => {
          counted.cancel();
          cancel();
        };
      },
      token: () => real.token(),
    };
  }

  timer(onDue: () => void): DeadlineTimer {
    this.#fire = onDue;
    return {
      arm: (due) => void (this.#due = due),
      stop: () => void (this.#due = null),
    };
  }

  watch(events: LinkEvents): LinkEvents {
    return {
      opened: (link) => {
        this.#news += 1;
        events.opened(link);
      },
      data: (link, chunk) => {
        this.#news += 1;
        events.data(link, chunk);
      },
      drained: (link) => {
        this.#news += 1;
        events.drained(link);
      },
      closed: (link, how, detail) => {
        this.#news += 1;
        events.closed(link, how, detail);
      },
      addressed: (link) => events.addressed?.(link),
    };
  }

  /** Lets time pass, one deadline after the other. A second call waits for the first. */
  async advance(milliseconds: number): Promise<void> {
    const before = this.#advanced;
    const advanced = before.then(async () => this.#advance(milliseconds));
    // A fault is told to whoever asked for that time.
    this.#advanced = advanced.catch(() => {});
    return advanced;
  }

  async #advance(milliseconds: number): Promise<void> {
    const end = this.#passedMs + milliseconds;
    await this.#settled();
    for (;;) {
      const due = this.#due;
      if (due === null) break;
      const dueAfter = Math.max(this.#passedMs, due - this.#epoch);
      if (dueAfter > end) break;
      this.#passedMs = dueAfter;
      // As a timer that fires: it is armed again by the driver.
      this.#due = null;
      this.#fire();
      await this.#settled();
    }
    this.#passedMs = end;
  }

  /** The loop has read all that was sent, and all that the clients of this process answered. */
  async #settled(): Promise<void> {
    let quiet = 0;
    let turns = 0;
    while (quiet <= quietTurns) {
      if (++turns > newsMax) throw new Error(restless);
      const before = this.#news;
      // The last turn takes longer: a busy system may hand on what was sent a moment later.
      const afterMs = quiet === quietTurns ? lastTurnMs : 0;
      await new Promise<void>((resolve) => {
        if (afterMs === 0) this.#real.soon(resolve);
        else this.#real.after(afterMs, resolve);
      });
      quiet = this.#news !== before || this.#waiting > 0 ? 0 : quiet + 1;
    }
  }

  /** Work that `settled` waits for. */
  #counted(work: () => void): (() => void) & { cancel(): void } {
    this.#waiting += 1;
    let isWaiting = true;
    const end = (): void => {
      if (isWaiting) this.#waiting -= 1;
      isWaiting = false;
    };
    const run = (): void => {
      end();
      work();
    };
    return Object.assign(run, { cancel: end });
  }
}

const restless =
  `advance: packets still come and go after ${newsMax} turns of the loop; ` +
  "do two clients answer each other without end?";
