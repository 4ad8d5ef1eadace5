import { Deadline, Deadlines } from "../../src/core/deadlines.ts";
import type { Millis } from "../../src/core/io.ts";

/**
 * Time that passes only when everybody waits. While it is installed, timers and clocks of this process
 * are its own, so that programs with real timers and connections in memory play hours in a moment.
 */
export class VirtualTime implements Disposable {
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    setImmediate: globalThis.setImmediate,
    performanceNow: performance.now.bind(performance),
    dateNow: Date.now.bind(Date),
  };
  readonly #epoch = Date.now() - performance.now();
  readonly #timers = new Deadlines<Timer>();
  #now = performance.now();

  constructor() {
    const clear = (handle: unknown): void => {
      if (handle instanceof Deadline) this.#timers.clear(handle);
    };
    Object.assign(globalThis, {
      setTimeout: (work: () => void, afterMs = 0) => this.#set({ work, everyMs: null }, afterMs),
      setInterval: (work: () => void, everyMs = 1) => this.#set({ work, everyMs }, everyMs),
      setImmediate: (work: () => void) => this.#set({ work, everyMs: null }, 0),
      clearTimeout: clear,
      clearInterval: clear,
    });
    performance.now = () => this.#now;
    Date.now = () => this.#now + this.#epoch;
  }

  /** Lets time pass until something is done. Throws when nothing is left that could bring it about. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const settled = work.finally(() => (isDone = true));
    // Awaited below, once it is over.
    settled.catch(() => {});
    for (;;) {
      await this.#turn();
      if (isDone) return settled;
      const next = this.#timers.next();
      if (next === null) throw new Error("everybody waits, and no timer is set");
      this.#now = Math.max(this.#now, next);
      this.#fire();
    }
  }

  [Symbol.dispose](): void {
    const { performanceNow, dateNow, ...timers } = this.#real;
    Object.assign(globalThis, timers);
    performance.now = performanceNow;
    Date.now = dateNow;
  }

  /** All that is due now. */
  #fire(): void {
    for (;;) {
      // The brand is given to moments of this clock.
      const due = this.#timers.pop(this.#now as Millis);
      if (due === null) return;
      const { work, everyMs } = due.owner;
      if (everyMs !== null) this.#timers.set(due, (this.#now + everyMs) as Millis);
      work();
    }
  }

  #set(timer: Timer, afterMs: number): Deadline<Timer> {
    const deadline = new Deadline(timer);
    this.#timers.set(deadline, (this.#now + Math.max(0, afterMs)) as Millis);
    return deadline;
  }

  /** All promises that can go on have gone on. */
  async #turn(): Promise<void> {
    return new Promise((resolve) => this.#real.setImmediate(resolve));
  }
}

interface Timer {
  readonly work: () => void;
  /** Milliseconds; null: once. */
  readonly everyMs: number | null;
}
