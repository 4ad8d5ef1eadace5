import type { Action, Verdict } from "../access.ts";
import type { EndCause } from "../end-causes.ts";
import type {
  BrokerEvent,
  ClientHabit,
  Reach,
  WaitEnd,
  WillCancelled,
  WillDiscarded,
  WillFacts,
} from "../events.ts";
import type { MemoryKind } from "../memory.ts";
import type { ProtocolName } from "../packet.ts";
import type { WillState } from "../will.ts";

/**
 * The broker's accounts of itself, as plain JSON: the shapes behind `inspect`, the administration
 * interface and `$SYS/broker/wills`. Names of times end in `At` and are milliseconds since the
 * epoch; names of durations end in `Ms` or `Seconds`. Null: none, or never in expiries.
 */

/** One will, from the CONNECT that armed it to its one fate. */
export interface WillAccount {
  /** Counts up from 1 since the broker started. */
  readonly id: number;
  readonly clientId: string;
  readonly remote: string;
  readonly protocol: ProtocolName;
  readonly topic: string;
  readonly qos: number;
  readonly retain: boolean;
  readonly payloadBytes: number;
  /** The first 64 bytes at most, as base64. Absent: the broker is older than this field. */
  readonly payload?: string;
  /** The Will Delay Interval in CONNECT. */
  readonly delaySeconds: number;
  /** Its Message Expiry Interval, which starts at its publication. Absent: it does not expire. */
  readonly messageExpirySeconds?: number;
  /** The Session Expiry Interval in force; null: never expires. */
  readonly sessionExpirySeconds: number | null;
  /** The keepalive in force; 0: none. */
  readonly keepAliveSeconds: number;
  /** Whether the client was allowed to publish on the will's topic at CONNECT. */
  readonly access: "allowed" | "denied";
  /**
   * Of an armed or delayed will, in the account of its client: what in the access list denies it
   * now, so that it would be discarded. Absent: nothing does.
   */
  readonly deniedNow?: string;
  readonly state: WillState;
  readonly armedAt: number;
  /** The end of its connection; null: it is open. */
  readonly end: WillEndAccount | null;
  /**
   * When it is due to be published, known from the end of the connection; null before, or if never.
   */
  readonly dueAt: number | null;
  /**
   * Of a will that was due while the broker was down or just after, and waits for clients to return: its own one
   * cancels it (`grace`) or does not (`settle`). Absent: it is no such will.
   */
  readonly waitsAfterRestart?: "grace" | "settle";
  readonly fate: WillFateAccount | null;
  /** What its client published on its connection. Absent: the broker is older than this field. */
  readonly own?: OwnPublishesAccount;
  /**
   * Of an NDEATH of Sparkplug B: the first 512 bytes of its payload and of the latest NBIRTH's on
   * its connection, as base64; `birth` null: none came. Absent: it is no NDEATH, or its topic is
   * too long to keep.
   */
  readonly sparkplug?: {
    readonly death: string;
    readonly birth: {
      readonly at: number;
      readonly payloadBytes: number;
      readonly payload: string;
    } | null;
  };
  /**
   * Each change of state with the statement that requires it, oldest first; the first is `armed`.
   */
  readonly steps: readonly WillStep[];
}

/** What a client published between its CONNECT and the fate of its will. */
export interface OwnPublishesAccount {
  /** Number of PUBLISHes on the will's topic, and how many of them were retained. */
  readonly onTopic: number;
  readonly retained: number;
  /** The last of them was a farewell: equal to the will, or the last message that it sent. */
  readonly farewell: boolean;
  /**
   * The first retained PUBLISH on another topic with the same parent or the same last level, until
   * the will's fate; null: none.
   */
  readonly elsewhere: string | null;
}

/** The topic of a client's latest will, as it is now. */
export interface WillTopicAccount {
  readonly topic: string;
  /**
   * What is retained there; null: nothing, or something from before the first will on this topic.
   */
  readonly retained: {
    /** Who published it; null: unknown. */
    readonly clientId: string | null;
    readonly at: number;
    /** It is the will of that client: when its CONNECT was accepted; null: an ordinary message. */
    readonly willArmedAt: number | null;
    readonly payloadBytes: number;
    /** The first 64 bytes at most, as base64. */
    readonly payload: string;
    readonly expiresAt: number | null;
  } | null;
  /** Other connected clients with a will on this topic: their number, and at most 10 ids. */
  readonly others: { readonly count: number; readonly clientIds: readonly string[] };
}

export interface WillStep {
  readonly at: number;
  readonly state: WillState;
  /** The statement's id, version first: `v5-3.1.2-8`. */
  readonly rule: string;
}

export interface WillEndAccount {
  readonly at: number;
  readonly cause: EndCause;
  readonly causeText: string;
  readonly detail: string | null;
  readonly silentMs: number;
  /** Standstill of the broker within `silentMs`; absent: none. */
  readonly stoodStillMs?: number;
  /** How long its last packet waited unread at most, during a standstill; absent: not at all. */
  readonly lastPacketWaitedMs?: number;
  /** Messages sent to it within `silentMs`, of an expired keepalive; absent: none. */
  readonly deliveredInSilence?: number;
  readonly allowedMs: number | null;
  /** The Session Expiry Interval at the end, which DISCONNECT can change; null: never expires. */
  readonly sessionExpirySeconds: number | null;
}

export type WillFateAccount =
  | {
      readonly fate: "published";
      readonly at: number;
      readonly rule: string;
      readonly lateMs: number;
      /** Standstill of the broker that delayed it; absent: none. */
      readonly stoodStillMs?: number;
      /** What ended the delay; null: it had none. */
      readonly by: WaitEnd | null;
      readonly reach: Reach;
      /**
       * The retained message of another client, connected and with a will on the same topic, that it
       * replaced: who had published it, and when. Absent: none.
       */
      readonly overwrote?: { readonly clientId: string; readonly at: number };
    }
  | {
      readonly fate: "discarded";
      readonly at: number;
      readonly rule: string;
      readonly why: WillDiscarded;
      /** The line of the access list that denies it; absent: none does, or the broker is older. */
      readonly deniedBy?: string;
      readonly by: WaitEnd | null;
    }
  | {
      readonly fate: "cancelled";
      readonly at: number;
      readonly rule: string;
      readonly why: WillCancelled;
      readonly by: WaitEnd | null;
    };

/** One connection of a client id, open, ended or refused. */
export interface ConnectionAccount {
  readonly remote: string;
  readonly listener: string;
  /** Prefix that its listener puts before each topic of its client; absent: none. */
  readonly mountPoint?: string;
  /** Null: the CONNECT was not read. */
  readonly protocol: ProtocolName | null;
  readonly username: string | null;
  readonly openedAt: number;
  /** When CONNECT was accepted; null: it was refused. */
  readonly connectedAt: number | null;
  readonly cleanStart: boolean;
  readonly sessionPresent: boolean;
  readonly keepAliveSeconds: number;
  readonly keepAliveAskedSeconds: number;
  /**
   * Milliseconds of silence that the broker allows by this keepalive and its quirks; null: any.
   * Absent: the broker is older than this field.
   */
  readonly allowedMs?: number | null;
  readonly sessionExpirySeconds: number | null;
  /**
   * What CONNECT asked for, where `limits.sessionExpiryMax` allowed less; null: never expires.
   * Absent: it got what it asked for.
   */
  readonly sessionExpiryAskedSeconds?: number | null;
  readonly lastPacket: { readonly type: string; readonly at: number };
  /** A packet of which only a part has arrived, also until the end; absent: none. */
  readonly incomplete?: IncompleteAccount;
  /** Standstill of the broker since the last packet; absent: none, or the connection has ended. */
  readonly stoodStillMs?: number;
  /** Standstill while it was open, not counted in `pings` and `closestCallMs`; absent: none. */
  readonly stoodStillInAllMs?: number;
  /** As in `end`, for an open connection. */
  readonly lastPacketWaitedMs?: number;
  /** Intervals between PINGREQs; null: fewer than two arrived. */
  readonly pings: PingRhythm | null;
  /**
   * The shortest time left until the keepalive's deadline when a packet arrived, standstills of the
   * broker not counted; null: no keepalive.
   */
  readonly closestCallMs: number | null;
  /** When the broker will end it if nothing changes; null: it has ended, or no timeout runs. */
  readonly deadlineAt: number | null;
  /**
   * The cause of that end. `keepAliveExpired`: a packet from the client postpones it. `stalled`:
   * only reading its waiting output does. Null with `deadlineAt`.
   */
  readonly deadlineCause: EndCause | null;
  /** The driver has paused reading it, which stops its keepalive. */
  readonly paused: boolean;
  /** The subscriber it is held for, so that its messages are not dropped; null: it is not held. */
  readonly heldFor: HoldAccount | null;
  /** Output above the limit: nothing more is delivered until it is drained. */
  readonly blocked: boolean;
  /** How and when the operator broke the link, as a network would; null: not at all. */
  readonly dropped: { readonly how: "rst" | "silent"; readonly at: number } | null;
  readonly end: (WillEndAccount & { readonly statement: string | null }) | null;
  /** The will of a refused CONNECT; null: none, or it could not be read. */
  readonly refusedWill: WillFacts | null;
  /** `WillAccount.id` of the will armed on it; null: none. */
  readonly willId: number | null;
  /**
   * A store has kept it from before the broker's restart. A will that was decided before is not kept:
   * then `willId` is null too. Absent: it is of this process.
   */
  readonly restored?: true;
}

/** A packet that a client began and has not completed. */
export interface IncompleteAccount {
  /** `PUBLISH`. */
  readonly type: string;
  /** Bytes of it that have arrived. */
  readonly bytes: number;
  /** Bytes of the whole packet; null: its Remaining Length is incomplete too. */
  readonly size: number | null;
  /** When its first and its last bytes arrived. */
  readonly since: number;
  readonly at: number;
}

/** A publisher that the broker has stopped reading, because a subscriber is slow. */
export interface HoldAccount {
  /** The subscriber. */
  readonly clientId: string;
  readonly since: number;
  /** When the broker reads it again at the latest. */
  readonly until: number;
}

/** The publishers held for one subscriber: their number, and the first client ids. */
export interface HoldsAccount {
  readonly count: number;
  readonly clientIds: readonly string[];
}

/** Intervals between PINGREQs, the latest 16 of them for the median. */
export interface PingRhythm {
  readonly count: number;
  /** Null: none measured, because the broker stood still during each. */
  readonly medianMs: number | null;
  readonly worstMs: number | null;
}

/** A line in the list of clients, connected or with a waiting session. */
export interface ClientSummary {
  readonly clientId: string;
  readonly connected: boolean;
  readonly remote: string | null;
  readonly listener: string | null;
  readonly protocol: ProtocolName;
  readonly username: string | null;
  readonly keepAliveSeconds: number;
  readonly lastPacket: { readonly type: string; readonly at: number } | null;
  readonly deadlineAt: number | null;
  readonly subscriptions: number;
  readonly queued: number;
  readonly inflight: number;
  /**
   * Memory of all that it and its connection hold; messages that others hold too count in full.
   * Absent: the broker is older than this field.
   */
  readonly memoryBytes?: number;
  /** The state of its will; null: none. */
  readonly will: WillState | null;
}

/**
 * All that the broker knows of one client id, also after its session ended, until it is forgotten.
 */
export interface ClientAccount {
  readonly clientId: string;
  /** Null: it has no session. */
  readonly session: SessionAccount | null;
  /** Newest first. At most one is open, possibly after later refused ones. */
  readonly connections: readonly ConnectionAccount[];
  /** Newest first. */
  readonly wills: readonly WillAccount[];
  /**
   * The topic of its newest will; null: it has none, or the topic is too long to keep. Absent: the
   * broker is older than this field.
   */
  readonly willTopic?: WillTopicAccount | null;
  /** Its habits that make wills go wrong, each once. */
  readonly faults: readonly (ClientHabit & { readonly at: number })[];
  /** Oldest first. */
  readonly events: readonly { readonly at: number; readonly event: BrokerEvent }[];
}

/** The open connection, even if a later CONNECT was refused; else the newest. */
export function latestConnection({
  connections,
}: Pick<ClientAccount, "connections">): ConnectionAccount | null {
  return connections.find(({ end }) => end === null) ?? connections[0] ?? null;
}

export interface SessionAccount {
  readonly clientId: string;
  readonly connected: boolean;
  readonly createdAt: number;
  readonly expirySeconds: number | null;
  /** When it ends unless the client returns; null: connected, or never. */
  readonly endsAt: number | null;
  readonly queue: { readonly messages: number; readonly bytes: number };
  /** Unacknowledged outgoing messages, and the client's limit for them. */
  readonly inflight: number;
  readonly receiveMaximum: number | null;
  /** Incoming QoS 2 messages that wait for PUBREL. */
  readonly incoming: number;
  readonly dropping: boolean;
  readonly holds: HoldsAccount;
  readonly subscriptions: readonly SubscriptionAccount[];
}

export interface SubscriptionAccount {
  readonly clientId: string;
  /** As the client sent it. */
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: none. */
  readonly identifier: number;
  readonly group: string | null;
}

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

/** Which wills to list. Absent: no restriction. */
export interface WillQuery {
  readonly clientId?: string;
  /** In full. The ledger keeps only the beginning of a long topic, so others may match as well. */
  readonly topic?: string;
  /** `fired`: published; `notFired`: discarded or cancelled; `pending`: armed or delayed. */
  readonly which?: "pending" | "fired" | "notFired";
}
