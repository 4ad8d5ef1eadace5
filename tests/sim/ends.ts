import type { BrokerEvent } from "../../src/core/events.ts";
import { demand, type Books } from "./books.ts";
import type { Connection } from "./connection.ts";
import { longestHoldMs } from "./options.ts";

type Ended = BrokerEvent & { readonly event: "ended" };

/** The broker's heartbeat interval: it cannot know more exactly when its standstill started. */
export const heartbeatMs = 1000;

/** Turns of the loop, with one packet each, that may pass until what came before an end is read. */
const longestReadMs = 10_000;

/**
 * Each connection ends once, with one cause that its history justifies; an end by deadline happens
 * exactly at the due time (v5-3.1.2-22), never before and never after.
 */
export class Ends {
  readonly #books: Books;
  constructor(books: Books) {
    this.#books = books;
  }

  ended(connection: Connection, event: Ended, now: number): void {
    const detail = { connection: connection.number, event, verdict: connection.verdict };
    demand(connection.isOpen, "a connection ends once", detail);
    demand(
      event.wasConnected === (connection.state === "connected"),
      "an end tells rightly whether CONNECT was accepted",
      detail,
    );
    this.#checkSilence(connection, event, now);
    this.#checkStandstill(connection, event, now);
    const why = this.#unjustified(connection, event, now);
    demand(why === null, `an end has its cause (${why})`, {
      ...detail,
      now,
      due: dueOf(connection, now),
    });
    connection.endCause = event.cause;
  }

  /** Every connection that had to end by now has ended. */
  expectEnded(connection: Connection): void {
    const { verdict } = connection;
    demand(!connection.isOpen || verdict === null, "what ends a connection ends it at once", {
      connection: connection.number,
      verdict,
    });
  }

  /** No connection outlives its deadlines. */
  expectWithin(connection: Connection, now: number): void {
    // What came before its end is read first.
    const endedAt = Math.min(connection.lost?.at ?? Infinity, connection.kickedAt ?? Infinity);
    const { slackMs } = this.#books;
    const until = this.#books.met(endedAt + longestReadMs) + slackMs;
    const isSoon = now <= until || connection.isSilenced;
    demand(isSoon, "what ends a connection from outside ends it soon", {
      connection: connection.number,
      now,
      endedAt,
    });
    if (connection.lost !== null) return;
    const due = Math.min(
      dueOf(connection, now),
      this.#connectDue(connection),
      this.#stallDue(connection),
    );
    // Values above new limits end the connection in the next turn of the timers.
    const isNew = now <= this.#books.limitsChangedAt + this.#books.slackMs;
    // A connection that was overdue and unread when the broker stopped reading is judged
    // afterwards.
    if (connection.pausedAt === now || connection.resumedAt === now) return;
    const isMet = !this.#books.isOverdue(due, now);
    demand(now <= due || isNew || isMet, "a connection ends when it is due", {
      connection: connection.number,
      now,
      due,
      lastPacketAt: connection.lastPacketAt,
      allowedMs: connection.allowedMs,
    });
  }

  /**
   * The broker never leaves a connection unread for another's sake for longer than its keepalive
   * allows (decision 5).
   */
  expectRead(connection: Connection, now: number): void {
    const { pausedAt, clearAt, lastPacketAt, link, allowedMs, state, stallSince, isSilenced } =
      connection;
    if (pausedAt === null || state !== "connected" || isSilenced) return;
    if (link.clogged || stallSince !== null) return;
    const longest = Math.min(longestHoldMs, allowedMs / 1.5 / 4);
    // The next packet of a connection that was cut short follows when all others had their turn.
    const turn = 1500;
    const due = Math.max(pausedAt, clearAt, lastPacketAt) + longest + turn;
    demand(
      now <= due || this.#books.met(due) + turn >= now,
      "a publisher is held for a bounded time",
      {
        connection: connection.number,
        pausedAt,
        now,
        longest,
      },
    );
  }

  #checkSilence(connection: Connection, event: Ended, now: number): void {
    const silent = Math.max(0, (connection.pausedAt ?? now) - connection.lastPacketAt);
    demand(event.silentMs === silent, "an end tells the silence before it", {
      connection: connection.number,
      silent,
      event,
    });
  }

  /** The broker's report of its own standstill is right, to within a heartbeat. */
  #checkStandstill(connection: Connection, event: Ended, now: number): void {
    const { lastPacketAt } = connection;
    const until = connection.pausedAt ?? now;
    const held = this.#books.heldBetween(lastPacketAt, until);
    const { stoodStillMs = 0 } = event;
    const spans = this.#books.holds.filter(
      ({ from, to }) => to > lastPacketAt && from < until,
    ).length;
    const unsureMs = 1.2 * heartbeatMs * spans;
    const isRight = stoodStillMs <= held + unsureMs && stoodStillMs >= held - unsureMs;
    demand(
      held === 0 ? stoodStillMs === 0 : isRight,
      "an end tells how long the broker stood still",
      {
        connection: connection.number,
        held,
        event,
      },
    );
  }

  /** Something waits in its socket: the connection is undecided. */
  #isUnread({ link, isSilenced, pausedAt }: Connection): boolean {
    return !isSilenced && pausedAt === null && link.readable;
  }

  /** Null: justified. */
  #unjustified(connection: Connection, event: Ended, now: number): string | null {
    const { cause } = event;
    if (connection.verdict !== null) {
      return connection.verdict.includes(cause)
        ? null
        : `it had to be ${connection.verdict.join()}`;
    }
    switch (cause) {
      case "closedByPeer":
      case "resetByPeer":
      case "tcpTimeout": {
        if (connection.lost?.cause !== cause) return "its link had not ended so";
        const isRead = !hasPacket(connection);
        return (isRead && connection.pending === null) ||
          connection.state === "asked" ||
          connection.isSilenced
          ? null
          : unreadBefore;
      }
      case "keepAliveExpired":
        if (this.#isUnread(connection)) return "what had arrived was not read before it was judged";
        return this.#isKeepAliveMet(connection, now) ? null : "not at 1.5 times the keepalive";
      case "connectTimeout":
        if (this.#isUnread(connection)) return "what had arrived was not read before it was judged";
        if (connection.state === "opened" && hasPacket(connection)) return unreadBefore;
        return this.#isConnectTimeoutMet(connection, now) ? null : "not at the connect timeout";
      case "crowdedOut":
        return this.#mustMakeRoom(connection) ? null : "another had to go, or none";
      case "stalled":
        return this.#isMet(this.#stallDue(connection), now) ? null : "not at the stall limit";
      case "takenOver":
        if (connection.session === null) return "it had no session";
        return isReadBeforeOrder(connection) ? null : unreadBefore;
      case "storeFailed":
        return this.#books.store?.isFailing === true ? null : "the store keeps everything";
      case "kicked":
        if (connection.kickedAt === null) return "nobody ordered it";
        return isReadBeforeOrder(connection) ? null : unreadBefore;
      case "shuttingDown":
        if (!this.#books.stopping) return "the broker does not stop";
        return isReadBeforeOrder(connection) ? null : unreadBefore;
      case "refused":
        return connection.state === "asked" || this.#isViolation(connection, cause)
          ? null
          : "there was nothing to refuse";
      case "quotaExceeded":
      case "protocolError":
      case "malformedPacket":
      case "packetTooLarge":
        return this.#isViolation(connection, cause) ? null : "it broke no rule";
      default:
        return "that can't be";
    }
  }

  /** All places are taken, and of those without CONNECT this one has waited longest. */
  #mustMakeRoom({ number, listener, listenerLimit }: Connection): boolean {
    const { open, limits } = this.#books;
    const isOfAll = open.size >= limits.connections;
    const there = [...open].filter((one) => isOfAll || one.listener === listener);
    const oldest = there.find(mayGiveWay);
    return oldest?.number === number && (isOfAll || there.length >= listenerLimit);
  }

  /** The next bytes are no packet, and enough of them have arrived to tell. */
  #isViolation(connection: Connection, cause: Ended["cause"]): boolean {
    if (connection.isUnsure && cause === "protocolError") return true;
    const item = connection.items[connection.next];
    const start = connection.items[connection.next - 1]?.end ?? 0;
    if (cause === "quotaExceeded" && this.#isUnfinished(connection, start, item?.end)) return true;
    return item?.causes?.includes(cause) === true && connection.arrivedBytes > start;
  }

  #isConnectTimeoutMet(connection: Connection, now: number): boolean {
    const due = this.#connectDue(connection);
    return (
      this.#isMet(due, now) || (due < now && now <= connection.resumedAt + this.#books.slackMs)
    );
  }

  #isKeepAliveMet(connection: Connection, now: number): boolean {
    const due = dueOf(connection, now);
    return this.#isMet(due, now) || (due < now && connection.resumedAt === now);
  }

  /** A part of a packet has arrived that counts against the limit for all unfinished packets. */
  #isUnfinished(connection: Connection, start: number, end = 0): boolean {
    const { arrivedBytes } = connection;
    const counts = end - start > 4096 && arrivedBytes > start;
    const { limits, shortage } = this.#books;
    return counts && (limits.unfinishedBytes < 1024 * 1024 || shortage.isLimited);
  }

  #isMet(due: number, now: number): boolean {
    if (due === Infinity) return false;
    // Values above new limits end the connection at once.
    const { limitsChangedAt, slackMs } = this.#books;
    const isNew = due < now && now <= limitsChangedAt + slackMs && now >= limitsChangedAt;
    return isNew || this.#books.mayBeMet(due, now);
  }

  #connectDue(connection: Connection): number {
    const { limits } = this.#books;
    switch (connection.state) {
      case "opened":
        // While its packets wait in the broker, CONNECT may be one of them.
        if (connection.pausedAt !== null) return Infinity;
        return connection.openedAt + limits.connectTimeoutMs;
      case "asked":
        return connection.askedAt + limits.authenticationTimeoutMs;
      default:
        return Infinity;
    }
  }

  #stallDue(connection: Connection): number {
    if (connection.state !== "connected" || connection.isSilenced) return Infinity;
    if (connection.stallSince === null) return Infinity;
    return connection.stallSince + this.#books.limits.stallTimeoutMs;
  }
}

/** When a connection's silence is too long; Infinity: never. */
export function dueOf(connection: Connection, now: number): number {
  if (connection.state !== "connected") return Infinity;
  // Flushing the closing packets can make the driver pause.
  if (connection.pausedAt !== null && connection.pausedAt < now) return Infinity;
  return connection.lastPacketAt + connection.allowedMs;
}

const unreadBefore = "what had come before it was not read";

/** A connection in the middle of its authentication, or silenced, is not read. */
function isReadBeforeOrder(connection: Connection): boolean {
  const { state, isSilenced, items, next, mustReadBytes, pending } = connection;
  if (state !== "connected" || isSilenced) return true;
  // The broker may be in the middle of a packet.
  const item = items[pending === null ? next : next - 1];
  return item === undefined || item.end > mustReadBytes;
}

/** A whole packet has arrived and is not read yet. */
function hasPacket({ items, next, arrivedBytes }: Connection): boolean {
  const item = items[next];
  return item !== undefined && item.end <= arrivedBytes;
}

/** It has sent no CONNECT, and nothing of it that may be one waits in the broker. */
export function mayGiveWay({ state, pausedAt }: Connection): boolean {
  return state === "opened" && pausedAt === null;
}
