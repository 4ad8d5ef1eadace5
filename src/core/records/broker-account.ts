import type { Action, Verdict } from "../access.ts";
import type { EndCause } from "../end-causes.ts";
import type { MemoryKind } from "../memory.ts";
import type { WillAccount } from "./will-account.ts";

/**
 * The broker's accounts of itself and of topics as plain JSON: the shapes behind `inspect` and the
 * administration interface. Names of times end in `At` and are milliseconds since the epoch; names
 * of durations end in `Ms` or `Seconds`. Null: none, or never in expiries.
 */

/** Whether a client may do something with a topic, and what decides. */
export interface AccessAccount extends Verdict {
  readonly action: Action;
}

/** The recipients of a message on a topic, with reasons. */
export interface RouteAccount {
  readonly topic: string;
  readonly recipients: readonly {
    readonly clientId: string;
    readonly connected: boolean;
    /** The QoS it would get: the highest of its matching subscriptions. */
    readonly qos: number;
    /** The matching filters; a shared one with its group. */
    readonly filters: readonly string[];
    /** No Local: it does not get back its own messages on that topic. */
    readonly noLocal: boolean;
    /** `sent`, `queued`, or why it would get nothing, in a few words. */
    readonly outcome:
      | "sent"
      | "queued"
      | "dropped: QoS 0 and not connected"
      | "dropped: QoS 0 and no room"
      | "dropped: QoS 0 and little memory"
      | "dropped: its queue is full"
      | "dropped: larger than its Maximum Packet Size"
      | "dropped: behind another mount point"
      | "dropped: its own message"
      | "dropped: may not read the topic"
      | "shared: another member's turn";
    /** What in the access list denies it; absent: nothing does. */
    readonly deniedBy?: string;
  }[];
}

export interface RetainedAccount {
  readonly topic: string;
  readonly qos: number;
  readonly payloadBytes: number;
  /** The first 64 bytes at most, as base64. */
  readonly payload: string;
  readonly expiresAt: number | null;
}

/** Counts of values up to each bound; cumulative, as in Prometheus. */
export interface HistogramAccount {
  /** Upper bounds in milliseconds; the last is null: all. */
  readonly buckets: readonly { readonly leMs: number | null; readonly count: number }[];
  readonly sumMs: number;
  readonly count: number;
}

/** One screen about the broker. Its size does not grow with the number of clients. */
export interface OverviewAccount {
  readonly now: number;
  readonly startedAt: number;
  readonly version: string;
  /** Open sockets, before or after CONNECT. */
  readonly connections: number;
  readonly connected: number;
  readonly connectedMax: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retained: {
    readonly messages: number;
    readonly bytes: number;
    /** The part of them below `$SYS`; absent: the broker is older than this field. */
    readonly own?: { readonly messages: number; readonly bytes: number };
  };
  readonly queued: { readonly messages: number; readonly bytes: number };
  /** What clients make the broker hold. Absent: the broker is older than this field. */
  readonly memory?: MemoryAccount;
  readonly packets: { readonly received: number; readonly sent: number };
  readonly publishes: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
  };
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly socketsOpened: number;
  readonly sessionsExpired: number;
  /** Ended connections since the start, by cause. */
  readonly ends: Readonly<Record<EndCause, number>>;
  readonly wills: {
    readonly armed: number;
    readonly delayed: number;
    readonly published: number;
    readonly discarded: number;
    readonly cancelled: number;
  };
  /** How long after their keepalive's deadline connections were ended. */
  readonly keepAliveLateness: HistogramAccount;
  readonly willLateness: HistogramAccount;
  /** The wills due next, at most 10. */
  readonly pendingWills: readonly WillAccount[];
  /** Newest first, at most 10. */
  readonly recentEnds: readonly RecentEnd[];
  /** Newest first, at most 10. Absent: the broker is older than this field. */
  readonly turnedAway?: readonly TurnedAwayAccount[];
}

/** Bytes of memory that clients take. */
export interface MemoryAccount {
  /** `limits.memory`; null: none. */
  readonly limit: number | null;
  readonly total: number;
  readonly kinds: Readonly<Record<MemoryKind, number>>;
}

export interface RecentEnd {
  readonly at: number;
  readonly clientId: string | null;
  readonly remote: string;
  readonly cause: EndCause;
  readonly causeText: string;
  /** Details of the cause; null: none. */
  readonly detail: string | null;
  readonly will: "no will" | "published" | "delayed" | "discarded" | "cancelled";
}

/** Connections from one address that were turned away alike, before they were any client's. */
export interface TurnedAwayAccount {
  /** Of the latest, as the next three. */
  readonly at: number;
  readonly remote: string;
  readonly causeText: string;
  readonly detail: string | null;
  readonly cause: EndCause;
  /** Of the CONNECTs that were refused; null: it was not read, or is empty. */
  readonly clientId: string | null;
  readonly count: number;
}
