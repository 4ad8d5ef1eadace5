import { now } from "./inbox.ts";

const everyMs = 20;

/** A scenario waits for a will for longer than this; in parts, a busy machine may take as much. */
export const tellingMs = 500;

/** How much time this process lost altogether since this was made: it works, and waits for a core. */
export class Lag implements Disposable {
  readonly began = now();
  #lostMs = 0;
  #due = performance.now() + everyMs;
  readonly #timer: ReturnType<typeof setInterval> = setInterval(() => this.#look(), everyMs);

  get lostMs(): number {
    this.#look();
    return this.#lostMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const at = performance.now();
    this.#lostMs += Math.max(0, at - this.#due);
    this.#due = Math.max(this.#due, at) + (at >= this.#due ? everyMs : 0);
  }
}
