import type { EndCause } from "../end-causes.ts";
import type { BrokerEvent, ClientHabit, WillFacts } from "../events.ts";
import type { ProtocolName } from "../packet.ts";
import type { WillState } from "../will.ts";
import type { WillAccount, WillEndAccount, WillTopicAccount } from "./will-account.ts";

/**
 * The broker's accounts of clients, of their connections and sessions, as plain JSON: the shapes
 * behind `inspect` and the administration interface. Names of times end in `At` and are
 * milliseconds since the epoch; names of durations end in `Ms` or `Seconds`. Null: none, or never in
 * expiries.
 */

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
  /** Intervals between PINGREQs; null: fewer than two arrived, or `restored`. */
  readonly pings: PingRhythm | null;
  /**
   * The shortest time left until the keepalive's deadline when a packet arrived, standstills of the
   * broker not counted; null: no keepalive, or `restored`.
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
  /**
   * How and when the operator broke the link, as a network would; null: not at all. `by`: the test in
   * whose process the broker runs; absent: an operator.
   */
  readonly dropped: {
    readonly how: "rst" | "silent";
    readonly at: number;
    readonly by?: "test";
  } | null;
  readonly end: (WillEndAccount & { readonly statement: string | null }) | null;
  /** The will of a refused CONNECT; null: none, or it could not be read. */
  readonly refusedWill: WillFacts | null;
  /** `WillAccount.id` of the will armed on it; null: none. */
  readonly willId: number | null;
  /**
   * It was open when its broker was killed, and a store has kept it. What it sent is not kept:
   * `lastPacket` is its end, of type `not kept`. Absent: it has another end.
   */
  readonly restored?: true;
  /**
   * A store has kept only its session, as in the last second before its broker was killed, or by an
   * older mqttd. Its Clean Start is not known; nor, if it ended otherwise than with that broker,
   * whether it had a will. Absent: all is known.
   */
  readonly sessionOnly?: true;
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

/** Whether it may have had a will, which no store has kept: one of an open connection is kept. */
export function isWillUnknown({ sessionOnly, willId, end }: ConnectionAccount): boolean {
  return sessionOnly === true && willId === null && end?.cause !== "brokerRestarted";
}
