import { duration } from "../log/duration.ts";
import type { Result } from "./scenario.ts";

/** A broker that publishes no will in so much silence is said to have no deadline. */
export const tellingMs = 60_000;
/** Past the due time; the slowest broker known looks for dead clients every 32 s. */
const slowestMs = 40_000;

/** What `half-open` has shown of a broker's deadline. */
type Shown =
  /** It is not in this run. */
  | "absent"
  /** It has not ended. */
  | "pending"
  /** No will came, however long was waited. */
  | "never"
  /** Milliseconds behind the due time. */
  | number;

interface Waiting {
  /** Past the due time, in any case. */
  readonly waitMs: number;
  /** Wait on until late is told from never. */
  readonly goesOn: boolean;
}

/**
 * How long to wait for a will that only a keepalive deadline brings. One for all scenarios in one
 * protocol at one address: what `half-open` has shown, the others need not wait for again.
 */
export class Patience {
  readonly #options: Waiting;
  readonly #said: (text: string) => void;
  #shown: Shown;

  /** `hasSource`: `half-open` is in this run. `said` is told that it takes longer, and why. */
  constructor({ waitMs, goesOn }: Waiting, hasSource: boolean, said: (text: string) => void) {
    this.#options = { waitMs, goesOn };
    this.#shown = hasSource ? "pending" : "absent";
    this.#said = said;
  }

  /** The result of `half-open`. */
  show({ verdict, arms }: Result): void {
    if (verdict === "inconclusive" || verdict === "skipped") this.#shown = "absent";
    else if (arms.some(({ failure }) => failure === "never")) this.#shown = "never";
    else this.#shown = Math.max(0, ...arms.map(({ dueMs, gotMs }) => (gotMs ?? 0) - (dueMs ?? 0)));
  }

  /** Whether `half-open` has told never from late, so that what differs from it tells something. */
  get isTold(): boolean {
    return typeof this.#shown === "number" || (this.#shown === "never" && this.#options.goesOn);
  }

  /** Until when a will is waited for that is due `allowedMs` after `since`; by and by it may be sooner. */
  until(since: number, allowedMs: number): number {
    const { waitMs, goesOn } = this.#options;
    const least = since + allowedMs + waitMs;
    if (!goesOn || this.#shown === "never") return least;
    const most = Math.max(least + allowedMs, since + tellingMs, since + allowedMs + slowestMs);
    if (typeof this.#shown === "string") return most;
    // What is late in one way to die may be later in another.
    return this.#shown > waitMs / 2 ? Math.min(most, least + this.#shown * 2) : least;
  }

  /** No will came after `silentMs`; it is waited for until `untilMs`. */
  goesOn(silentMs: number, untilMs: number): void {
    this.#said(
      `no will after ${duration(silentMs)} of silence: waiting up to ${duration(untilMs)} to tell a ` +
        "late deadline from none (--no-wait: don't)",
    );
  }
}
