import type { Millis } from "../../core/io.ts";
import type { Clock } from "./clock.ts";

/** Longest delay of setTimeout; for a later deadline, the timer fires early and is armed again. */
const longestDelayMs = 2 ** 31 - 1;

/** The single timer of the process, armed to the core's next deadline; null: not armed. */
export interface DeadlineTimer {
  arm(due: Millis | null): void;
  stop(): void;
}

export class SystemTimer implements DeadlineTimer {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #armedTo: Millis | null = null;

  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** A timer that would fire too early stays: it is armed again then, and seldom has to be. */
  arm(due: Millis | null): void {
    if (due !== null && this.#armedTo !== null && due >= this.#armedTo) return;
    this.stop();
    if (due === null) return;
    this.#armedTo = due;
    const delay = Math.min(Math.max(0, Math.ceil(due - this.#clock.now())), longestDelayMs);
    this.#timer = setTimeout(() => this.#fired(), delay);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#armedTo = null;
  }

  #fired(): void {
    this.#timer = null;
    this.#armedTo = null;
    this.#onDue();
  }
}
