import type { Connection } from "./connection.ts";
import type { Millis } from "./io.ts";

/** Spans kept. Older ones matter only for a client that has been silent since. */
const spansKept = 64;

/** Input that waited during a standstill is read within this time after it. */
export const settlingMs = 250;
/** A close by a client because of a standstill is read within this time after it. */
const justOverMs = 1000;
/** Clients wait at least this long for an answer. */
const noticedMs = 1000;

/** The part of standstills in a connection's silence. Milliseconds; 0: none. */
export interface Standstill {
  /** Standstill since the last packet. */
  readonly stoodStillMs: number;
  /** How long the last packet waited unread, at most. */
  readonly lastPacketWaitedMs: number;
}

/**
 * When the broker's own process stood still: it was stopped, or its event loop was blocked, so
 * packets were read late. Rules then treat a client that may have returned in time as in time, and
 * reports of a client's silence state the standstill as well.
 */
export class Standstills {
  readonly #spans: { readonly from: Millis; readonly to: Millis }[] = [];

  add(from: Millis, to: Millis): void {
    this.#spans.push({ from, to });
    if (this.#spans.length > spansKept) this.#spans.shift();
  }

  /** The standstill to report with a connection's silence. */
  duringSilenceOf({ lastPacketAt, pausedAt }: Connection, now: Millis): Standstill {
    return {
      stoodStillMs: this.stoodStillMs(lastPacketAt, pausedAt ?? now),
      lastPacketWaitedMs: this.#waitedMs(lastPacketAt),
    };
  }

  /** Milliseconds that input read at a moment waited during a standstill, at most. */
  #waitedMs(readAt: Millis): number {
    if (this.#spans.length === 0) return 0;
    const before = this.#spans.findLast(({ to }) => to <= readAt);
    return before === undefined || readAt - before.to > settlingMs ? 0 : readAt - before.from;
  }

  /** Milliseconds of a standstill just ended, if long enough for clients to give up; 0: none. */
  justEndedMs(now: Millis): number {
    const last = this.#spans.at(-1);
    if (last === undefined || now - last.to > justOverMs) return 0;
    const lastedMs = last.to - last.from;
    return lastedMs >= noticedMs ? lastedMs : 0;
  }

  /** Milliseconds until `to` of the standstills that delayed what was due at `from`. */
  delayedMs(from: number, to: number): number {
    let total = 0;
    for (const span of this.#spans)
      if (span.to > from) total += Math.max(0, Math.min(to, span.to) - span.from);
    return total;
  }

  /** Milliseconds between two moments in which the broker stood still. */
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
