import type { Connection } from "./connection.ts";
import type { Millis } from "./io.ts";

/** Spans that are remembered. Older ones matter to nobody but a client that was silent since. */
const spansKept = 64;

/** What had waited meanwhile is read within this time after it. */
export const settlingMs = 250;
/** What clients did about a standstill is read within this time after it. */
const justOverMs = 1000;
/** Clients wait at least so long for an answer. */
const noticedMs = 1000;

/** What standstills of the broker did to a connection's silence. Milliseconds; 0: nothing. */
export interface Standstill {
  /** Of the time since the last packet. */
  readonly stoodStillMs: number;
  /** How long at most the last packet had waited before it was read. */
  readonly lastPacketWaitedMs: number;
}

/**
 * When the broker's own process did nothing: it was stopped, or its loop was held up. Packets that came
 * meanwhile were read late. So a rule does not take a client that may have come back in time for one that
 * is late, and what is told of a client's silence needs it beside.
 */
export class Standstills {
  readonly #spans: { readonly from: Millis; readonly to: Millis }[] = [];

  add(from: Millis, to: Millis): void {
    this.#spans.push({ from, to });
    if (this.#spans.length > spansKept) this.#spans.shift();
  }

  /** What a person who reads about a connection's silence has to know beside it. */
  duringSilenceOf({ lastPacketAt, pausedAt }: Connection, now: Millis): Standstill {
    return {
      stoodStillMs: this.stoodStillMs(lastPacketAt, pausedAt ?? now),
      lastPacketWaitedMs: this.#waitedMs(lastPacketAt),
    };
  }

  /** How long at most what was read at a moment had waited for a broker that stood still. Milliseconds. */
  #waitedMs(readAt: Millis): number {
    const before = this.#spans.findLast(({ to }) => to <= readAt);
    return before === undefined || readAt - before.to > settlingMs ? 0 : readAt - before.from;
  }

  /** Milliseconds of one that has just ended and was long enough for clients to give up; 0: there is none. */
  justEndedMs(now: Millis): number {
    const last = this.#spans.at(-1);
    if (last === undefined || now - last.to > justOverMs) return 0;
    const lastedMs = last.to - last.from;
    return lastedMs >= noticedMs ? lastedMs : 0;
  }

  /** How long the standstills had lasted by `to` that made what was due at `from` late. Milliseconds. */
  delayedMs(from: number, to: number): number {
    let total = 0;
    for (const span of this.#spans)
      if (span.to > from) total += Math.max(0, Math.min(to, span.to) - span.from);
    return total;
  }

  /** Milliseconds of the time from one moment to another in which the broker stood still. */
  stoodStillMs(from: number, to: number): number {
    let total = 0;
    for (let index = this.#spans.length - 1; index >= 0; index--) {
      const span = this.#spans[index]!;
      if (span.to <= from) break;
      total += Math.max(0, Math.min(to, span.to) - Math.max(from, span.from));
    }
    return total;
  }
}
