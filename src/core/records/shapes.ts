import type { EndCause } from "../end-causes.ts";
import type {
  BrokerEvent,
  ClientHabit,
  Reach,
  WaitEnd,
  WillDiscarded,
  WillFacts,
} from "../events.ts";
import type { ProtocolName } from "../packet.ts";
import type { WillState } from "../will.ts";

/**
 * What the broker can tell about itself, as plain JSON: the shapes behind `inspect`, the
 * administration interface and `$SYS/broker/wills`. Times end in `At` and are milliseconds since the
 * epoch; durations end in `Ms` or `Seconds`. Null stands for "none", and for "never" in expiries.
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
  /** The Will Delay Interval that was asked for. */
  readonly delaySeconds: number;
  /** The Session Expiry Interval in force; null: never. */
  readonly sessionExpirySeconds: number | null;
  /** The keepalive in force; 0: none. */
  readonly keepAliveSeconds: number;
  /** Whether the client might publish on the will's topic when it connected. */
  readonly access: "allowed" | "denied";
  readonly state: WillState;
  readonly armedAt: number;
  /** The end of its connection; null: that lives. */
  readonly end: WillEndAccount | null;
  /** Known from the end of the connection on, if it is to be published; null before, and if not. */
  readonly dueAt: number | null;
  readonly fate: WillFateAccount | null;
  /** Each change of state with the statement that asks for it, oldest first; the first is `armed`. */
  readonly steps: readonly WillStep[];
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
  /** Of that time, how long the broker itself stood still; absent: not at all. */
  readonly stoodStillMs?: number;
  /** How long at most its last packet had waited before the broker, which stood still, read it; absent: not. */
  readonly lastPacketWaitedMs?: number;
  readonly allowedMs: number | null;
  /** The Session Expiry Interval in force by then, which DISCONNECT may have set; null: never. */
  readonly sessionExpirySeconds: number | null;
}

export type WillFateAccount =
  | {
      readonly fate: "published";
      readonly at: number;
      readonly rule: string;
      readonly lateMs: number;
      /** How long the broker itself stood still when it was due; absent: it did not. */
      readonly stoodStillMs?: number;
      /** What ended the waiting; null: it did not wait. */
      readonly by: WaitEnd | null;
      readonly reach: Reach;
    }
  | {
      readonly fate: "discarded";
      readonly at: number;
      readonly rule: string;
      readonly why: WillDiscarded;
      readonly by: WaitEnd | null;
    }
  | {
      readonly fate: "cancelled";
      readonly at: number;
      readonly rule: string;
      readonly why: "resumed";
      readonly by: WaitEnd | null;
    };

/** One connection of a client id, while it lives and after; refused ones too. */
export interface ConnectionAccount {
  readonly remote: string;
  readonly listener: string;
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
   * Milliseconds of silence that the broker allows it, by its keepalive and the broker's rules; null: any.
   * Absent: the broker is older than this field.
   */
  readonly allowedMs?: number | null;
  readonly sessionExpirySeconds: number | null;
  readonly lastPacket: { readonly type: string; readonly at: number };
  /** How long the broker itself stood still since the last packet; absent: not, or the connection has ended. */
  readonly stoodStillMs?: number;
  /** How long it did while the connection was open; `pings` and `closestCallMs` leave that out. Absent: not. */
  readonly stoodStillInAllMs?: number;
  /** As in `end`, of a connection that lives. */
  readonly lastPacketWaitedMs?: number;
  /** Of PINGREQs; null: fewer than two came. */
  readonly pings: PingRhythm | null;
  /**
   * The least time that was left before the keepalive's deadline when a packet came, less the time in
   * which the broker stood still; null: no keepalive.
   */
  readonly closestCallMs: number | null;
  /** When it will be ended if nothing changes; null: it has ended, or nothing waits for it. */
  readonly deadlineAt: number | null;
  /**
   * What it will be ended for then. `keepAliveExpired`: a packet of the client puts it off; `stalled`:
   * only its taking of what waits for it does. Null as `deadlineAt`.
   */
  readonly deadlineCause: EndCause | null;
  /** The driver does not read from it at the moment, so that the deadline stands still. */
  readonly paused: boolean;
  /** Whom it waits for, so that its messages are not dropped; null: it is not held. */
  readonly heldFor: HoldAccount | null;
  /** Delivery waits: so much is still to be taken. */
  readonly blocked: boolean;
  /** The operator broke it, as the network would; null: not so. */
  readonly dropped: { readonly how: "rst" | "silent"; readonly at: number } | null;
  readonly end: (WillEndAccount & { readonly statement: string | null }) | null;
  /** The will that a refused CONNECT asked for; null: none, or it could not be read. */
  readonly refusedWill: WillFacts | null;
  /** The will that was armed on it, by `WillAccount.id`; null: none, or it is forgotten. */
  readonly willId: number | null;
}

/** A publisher that is not read for a while, for the sake of a subscriber that is slow. */
export interface HoldAccount {
  /** The subscriber. */
  readonly clientId: string;
  readonly since: number;
  /** When it is read again at the latest. */
  readonly until: number;
}

/** The publishers that are held for one subscriber: how many, and the first of them. */
export interface HoldsAccount {
  readonly count: number;
  readonly clientIds: readonly string[];
}

/** Intervals between PINGREQs, the latest 16 of them for the median. */
export interface PingRhythm {
  readonly count: number;
  /** Null: none was measured, since the broker itself stood still in each. */
  readonly medianMs: number | null;
  readonly worstMs: number | null;
}

/** A line in the list of clients: connected ones and those whose session waits. */
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
  /** The state of its will; null: none. */
  readonly will: WillState | null;
}

/** All that is known of one client id; also of one that is gone, while the ledger remembers it. */
export interface ClientAccount {
  readonly clientId: string;
  /** Null: it has no session (any more). */
  readonly session: SessionAccount | null;
  /** Newest first. One may be live, behind those that were refused since. */
  readonly connections: readonly ConnectionAccount[];
  /** Newest first. */
  readonly wills: readonly WillAccount[];
  /** What it does that makes wills go wrong, each once. */
  readonly faults: readonly (ClientHabit & { readonly at: number })[];
  /** Oldest first. */
  readonly events: readonly { readonly at: number; readonly event: BrokerEvent }[];
}

/** The one that lives, which a CONNECT that was refused since does not hide; else the newest. */
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
  /** When it ends if the client does not come back; null: connected, or never. */
  readonly endsAt: number | null;
  readonly queue: { readonly messages: number; readonly bytes: number };
  /** Outgoing messages that wait for an acknowledgement, and how many the client takes at once. */
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
  /** As the client wrote it. */
  readonly filter: string;
  readonly qos: number;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: none. */
  readonly identifier: number;
  readonly group: string | null;
}

/** Who would get a message on a topic, and why. */
export interface RouteAccount {
  readonly topic: string;
  readonly recipients: readonly {
    readonly clientId: string;
    readonly connected: boolean;
    /** What it would get it with: the highest of its matching subscriptions. */
    readonly qos: number;
    /** The matching filters, with the group where it is shared. */
    readonly filters: readonly string[];
    /** What it publishes there itself does not come back to it. */
    readonly noLocal: boolean;
    /** `sent`, `queued`, or why nothing would come: in words of a few letters. */
    readonly outcome:
      | "sent"
      | "queued"
      | "dropped: QoS 0 and not connected"
      | "dropped: QoS 0 and no room"
      | "dropped: its queue is full"
      | "dropped: larger than its Maximum Packet Size"
      | "dropped: behind another mount point"
      | "dropped: its own message"
      | "shared: another member's turn";
  }[];
}

export interface RetainedAccount {
  readonly topic: string;
  readonly qos: number;
  readonly payloadBytes: number;
  /** The beginning, at most 64 bytes, as base64. */
  readonly payload: string;
  readonly expiresAt: number | null;
}

/** Counts of values up to each bound; cumulative, as Prometheus wants it. */
export interface HistogramAccount {
  /** Upper bounds in milliseconds; the last is null: all. */
  readonly buckets: readonly { readonly leMs: number | null; readonly count: number }[];
  readonly sumMs: number;
  readonly count: number;
}

/** One screen about the broker. Nothing in it is larger with more clients. */
export interface OverviewAccount {
  readonly now: number;
  readonly startedAt: number;
  readonly version: string;
  /** Open sockets, connected or not yet. */
  readonly connections: number;
  readonly connected: number;
  readonly connectedMax: number;
  readonly sessions: number;
  readonly subscriptions: number;
  readonly retained: { readonly messages: number; readonly bytes: number };
  readonly queued: { readonly messages: number; readonly bytes: number };
  readonly packets: { readonly received: number; readonly sent: number };
  readonly publishes: {
    readonly received: number;
    readonly sent: number;
    readonly dropped: number;
  };
  readonly bytes: { readonly received: number; readonly sent: number };
  readonly socketsOpened: number;
  readonly sessionsExpired: number;
  /** Ends of connections since the start. */
  readonly ends: Readonly<Record<EndCause, number>>;
  readonly wills: {
    readonly armed: number;
    readonly delayed: number;
    readonly published: number;
    readonly discarded: number;
    readonly cancelled: number;
  };
  /** How late connections were ended after their keepalive's deadline. */
  readonly keepAliveLateness: HistogramAccount;
  readonly willLateness: HistogramAccount;
  /** The next that are due, at most 10. */
  readonly pendingWills: readonly WillAccount[];
  /** Newest first, at most 10. */
  readonly recentEnds: readonly RecentEnd[];
}

export interface RecentEnd {
  readonly at: number;
  readonly clientId: string | null;
  readonly remote: string;
  readonly cause: EndCause;
  readonly causeText: string;
  /** Null: the cause says all. */
  readonly detail: string | null;
  /** The will in a word or two: `no will`, `published`, `delayed`, `discarded`, `cancelled`. */
  readonly will: "no will" | "published" | "delayed" | "discarded" | "cancelled";
}

/** Which wills are asked for. */
export interface WillQuery {
  readonly clientId?: string;
  /** In full; of a long one the ledger has the beginning only, so that another may match as well. */
  readonly topic?: string;
  /** `fired`: published; `notFired`: discarded or cancelled; `pending`: armed or delayed. */
  readonly which?: "pending" | "fired" | "notFired";
}
