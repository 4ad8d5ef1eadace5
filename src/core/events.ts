import type { EndCause } from "./end-causes.ts";
import type { IncompletePacket, Millis } from "./io.ts";
import type { ProtocolVersion, Qos, ServerPacket } from "./packet.ts";
import type { RetainedLimits } from "./retained.ts";

/** The client that a line is about. `clientId` is null until the connection sends CONNECT. */
export interface Peer {
  readonly clientId: string | null;
  /** `address:port` of the socket. */
  readonly remote: string;
}

/** Where one published message went. */
export interface Reach {
  /** Connections to which it was sent. */
  readonly delivered: number;
  /** Sessions that queued it. */
  readonly queued: number;
  /** Sessions for which it was dropped: queue full, too large, or QoS 0 to a blocked one. */
  readonly dropped: number;
  /** Of a will, the first 10 of these sessions and why; absent: none was dropped. */
  readonly losses?: readonly ReachLoss[];
  /** Offline sessions that match and get nothing, because QoS 0 is not queued. */
  readonly away: number;
  /** Sessions that match and whose clients may not read the topic; absent: none. */
  readonly denied?: number;
  /** Of a will, the first 10 of these sessions and what decides; absent: none. */
  readonly denials?: readonly { readonly clientId: string; readonly by: string }[];
  /** The publisher's own session matches and gets nothing, because of No Local; absent: it does not. */
  readonly noLocal?: true;
  /** Whether it was stored as the retained message or cleared the stored one; null: neither. */
  readonly retained: "stored" | "cleared" | null;
}

/** A session that lost its copy of a message. */
export interface ReachLoss {
  readonly clientId: string;
  readonly why: "queue full" | "blocked" | "packet too large" | "memory full";
  /** Bytes: its Maximum Packet Size, below the packet's; absent: that is not why. */
  readonly maximumPacketSize?: number;
}

/** True if no session subscribed to the topic, not even an offline one (section 3.4.2.1 of v5). */
export function hadNoSubscribers({ delivered, queued, dropped, away }: Reach): boolean {
  return delivered + queued + dropped + away === 0;
}

export interface WillFacts {
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Seconds. */
  readonly delayInterval: number;
  readonly payloadBytes: number;
  /** Seconds: its Message Expiry Interval, which starts at its publication; absent: none. */
  readonly messageExpiry?: number;
}

/** The fate of a will. Each will gets exactly one. */
export type WillFate =
  | {
      readonly fate: "published";
      readonly topic: string;
      /** When it was due, and when it was published. */
      readonly due: Millis;
      readonly at: Millis;
      readonly reach: Reach;
      /** Milliseconds of a standstill of the broker that delayed it; absent: none. */
      readonly stoodStillMs?: number;
      /** Seconds of its delay, if the broker published it without waiting. */
      readonly unwaited?: number;
    }
  | {
      readonly fate: "discarded";
      readonly topic: string;
      readonly why: WillDiscarded;
      /** What in the access list denies it; absent: nothing does. */
      readonly deniedBy?: string;
    }
  | { readonly fate: "cancelled"; readonly topic: string; readonly why: WillCancelled };

/**
 * `resumed`: its client resumed the session. `restart grace`: after a restart its client came back
 * within `store.restartGrace`, whatever became of the session.
 */
export type WillCancelled = "resumed" | "restart grace";

/**
 * `disconnect`: the client sent a clean DISCONNECT. `on purpose`: a planted quirk discards it.
 * `denied`: the client may not publish on its topic.
 */
export type WillDiscarded = "disconnect" | "denied" | "on purpose";

/** The will in the event of its connection's end. */
export type WillAtEnd =
  WillFate | { readonly fate: "delayed"; readonly topic: string; readonly due: Millis };

/** What ends a will's delay. */
export type WaitEnd =
  "due" | "session ended" | "memory" | "session limit" | WillCancelled | "broker stopped";

/** A limit that refuses a filter. */
export type FilterLimit = "subscriptions" | "filterShapes" | "topicLevels" | "memory";

/** An event for people. Log, inspect and tests share it; each renders its own text. */
export type BrokerEvent =
  | {
      readonly event: "connected";
      readonly peer: Peer;
      readonly version: ProtocolVersion;
      readonly bridge: boolean;
      readonly cleanStart: boolean;
      readonly sessionPresent: boolean;
      /** Seconds in force; 0: none. */
      readonly keepAlive: number;
      /** Seconds that the client asked for, which Server Keep Alive may replace. */
      readonly keepAliveAsked: number;
      /** Seconds in force; Infinity: never expires. */
      readonly sessionExpiry: number;
      readonly username: string | null;
      readonly will: WillFacts | null;
    }
  | {
      readonly event: "ended";
      readonly peer: Peer;
      readonly cause: EndCause;
      /** One of too many in a second: `crowded` counts them. Absent: it is not. */
      readonly isUntold?: true;
      /** Details of the cause: the violation, a reason code, a Reason String. Null: none. */
      readonly detail: string | null;
      readonly statement: string | null;
      /** Milliseconds since the last complete packet. */
      readonly silentMs: number;
      /** Milliseconds of that time in which the broker stood still; absent: none. */
      readonly stoodStillMs?: number;
      /**
       * Milliseconds that its last packet waited unread at most, during a standstill; absent: none.
       */
      readonly lastPacketWaitedMs?: number;
      /** Messages sent to it within `silentMs`, of an expired keepalive; absent: none. */
      readonly deliveredInSilence?: number;
      /** The packet in whose middle the connection ended; absent: none. */
      readonly incomplete?: IncompletePacket;
      /** Milliseconds of silence that the keepalive allows; null: no limit. */
      readonly allowedMs: number | null;
      /** Seconds in force; 0: none. */
      readonly keepAliveSeconds: number;
      readonly will: WillAtEnd | null;
      /** The will of a refused CONNECT, never armed; null: none, or it could not be read. */
      readonly refusedWill: WillFacts | null;
      /** The user name of a refused CONNECT; absent: none. */
      readonly username?: string;
      /** Whether CONNECT was accepted. */
      readonly wasConnected: boolean;
    }
  /** The fate of a delayed will; `cause` and `endedAt` are of the connection's end. */
  | {
      readonly event: "will";
      readonly clientId: string;
      readonly cause: EndCause;
      readonly endedAt: Millis;
      /** What ended the delay. */
      readonly by: WaitEnd;
      readonly will: WillFate;
    }
  /**
   * v3 and v4 have no Server Keep Alive, so the client's own is honoured; logged once per
   * connection.
   */
  | {
      readonly event: "keepAliveAboveMaximum";
      readonly peer: Peer;
      readonly keepAlive: number;
      readonly maximum: number;
    }
  | {
      readonly event: "subscribed";
      readonly peer: Peer;
      readonly version: ProtocolVersion;
      readonly filter: string;
      /** The granted QoS, or a reason code from 0x80. */
      readonly reason: number;
      /** The limit that refused it; absent: none did. */
      readonly limit?: FilterLimit;
      /** What in the access list refused it; absent: nothing did. */
      readonly by?: string;
    }
  | { readonly event: "unsubscribed"; readonly peer: Peer; readonly filter: string }
  /** A message that the operator ordered to publish, and what became of it. */
  | {
      readonly event: "operatorPublished";
      readonly topic: string;
      readonly qos: Qos;
      readonly retain: boolean;
      readonly payloadBytes: number;
      /** Null: it was refused. */
      readonly reach: Reach | null;
      /** Why, as a clause; null: it was not. */
      readonly refused: string | null;
    }
  /**
   * A refused PUBLISH; the connection stays open. One without authorization is logged once for each
   * topic of a connection.
   */
  | {
      readonly event: "publishRefused";
      readonly peer: Peer;
      readonly version: ProtocolVersion;
      readonly topic: string;
      readonly reason: number;
      readonly detail: string;
      /** Refusals on further topics of this connection are not logged; absent: they are. */
      readonly isLast?: true;
    }
  /**
   * A message on a topic that a client subscribes to, but may not read. Logged once after each of
   * its CONNECTs. `by`: what in the access list decides.
   */
  | {
      readonly event: "deliveryDenied";
      readonly clientId: string;
      readonly topic: string;
      readonly by: string;
    }
  /** What new access lists change for one client. The first few lines are named. */
  | {
      readonly event: "rightsChanged";
      readonly clientId: string;
      readonly username: string | null;
      /** The first list that applies to it; null: no list does any more; absent: one did before. */
      readonly list?: string | null;
      readonly gained: readonly string[];
      readonly lost: readonly string[];
      /** Number of further lines. */
      readonly more: number;
      /** Its will, armed or delayed, that it may not publish now, and what decides. */
      readonly deniedWill?: { readonly topic: string; readonly by: string };
    }
  /** The same for so many further clients. */
  | { readonly event: "moreRightsChanged"; readonly clients: number }
  /**
   * Logged at the first message that a session loses, and again once it has recovered in between.
   */
  | {
      readonly event: "dropping";
      /** Null: the store of retained messages, not a session, dropped it. */
      readonly clientId: string | null;
      readonly why:
        "queue full" | "blocked" | "packet too large" | "memory full" | "retained messages full";
      readonly topic: string;
      /** That of retained messages which is reached; absent: that is not why. */
      readonly limit?: keyof RetainedLimits;
    }
  /** A packet above the client's Maximum Packet Size was not sent [v5-3.1.2-25]. */
  | {
      readonly event: "notSent";
      readonly peer: Peer;
      readonly packet: ServerPacket["type"];
      readonly bytes: number;
      readonly maximum: number;
    }
  | { readonly event: "sessionEnded"; readonly clientId: string; readonly why: SessionEnd }
  /** A habit of the client that makes its wills go wrong; logged once per client id and habit. */
  | ({
      readonly event: "clientFault";
      readonly peer: Peer;
    } & ClientHabit)
  /**
   * What a store had kept, restored. `messages`: queued and in flight. `dueWills`: those of `wills`
   * that were due before, and are published `waitMs` from now. `diedMsAgo`: how long ago the broker
   * died that had connections; null: it had none.
   */
  | {
      readonly event: "restored";
      readonly sessions: number;
      readonly subscriptions: number;
      readonly messages: number;
      readonly retained: number;
      /** The retained messages are not sent (`limits.retain`). Absent: they are. */
      readonly retainUnavailable?: true;
      readonly wills: number;
      readonly dueWills: number;
      readonly waitMs: number;
      readonly diedMsAgo: number | null;
    }
  /**
   * The store could not keep a batch; `clients` lost their connections, since an answer promised it.
   * Logged again only if the reason changes.
   */
  | { readonly event: "storeFailed"; readonly detail: string; readonly clients: number }
  /** It keeps what comes again, and what it did not. */
  | { readonly event: "storeRecovered"; readonly afterMs: number }
  /** The clock jumped forward after a suspend: deadlines in between are due now. */
  | { readonly event: "woke"; readonly asleepMs: number }
  /**
   * All places were taken: `reset` connections without CONNECT went, the oldest first. `failed`: that
   * many more failed before MQTT than the log has told of; absent: none.
   */
  | {
      readonly event: "crowded";
      readonly reset: number;
      readonly failed?: number;
      readonly withinMs: number;
    };

/** What a client does that makes its wills go wrong, whatever the broker does. */
export type ClientHabit =
  /** A new id from the same address with the same will topic: `offline` arrives after `online`. */
  | { readonly fault: "randomClientId"; readonly topic: string; readonly before: string }
  /** The retained will stays: that connection published nothing retained on its topic. */
  | { readonly fault: "retainedWillWithoutBirth"; readonly topic: string }
  /** The client publishes its retained state on another topic than its will. */
  | { readonly fault: "birthElsewhere"; readonly topic: string; readonly published: string }
  /** Another connected client has a retained will on the same topic. */
  | { readonly fault: "sharedWillTopic"; readonly topic: string; readonly other: string }
  /**
   * The will of client `by`, whose CONNECT was accepted at `armedAt`, replaced the retained message
   * of this client, which is connected and has a will on the same topic.
   */
  | {
      readonly fault: "birthOverwritten";
      readonly topic: string;
      readonly by: string;
      readonly armedAt: number;
    }
  /** A retained birth, and a will on its topic that is not retained. */
  | { readonly fault: "willNotRetained"; readonly topic: string }
  /** A will, and no keepalive: MQTT never detects silence. */
  | { readonly fault: "noKeepAlive"; readonly topic: string }
  /**
   * A will, and a keepalive of hours. `keepAlive`: seconds. `allowedMs`: milliseconds of silence
   * that the broker allows; null: any; absent: the broker is older than this field.
   */
  | {
      readonly fault: "longKeepAlive";
      readonly topic: string;
      readonly keepAlive: number;
      readonly allowedMs?: number | null;
    }
  /** Seconds: the Will Delay Interval, and the Session Expiry Interval that cuts it short. */
  | {
      readonly fault: "delayBeyondSession";
      readonly topic: string;
      readonly delayInterval: number;
      readonly sessionExpiry: number;
      /** It asked for enough, but `limits.sessionExpiryMax` allows less. */
      readonly limited?: true;
    }
  /** The will was published, but reached no session and was not retained. */
  | { readonly fault: "willUnheard"; readonly topic: string }
  /**
   * A clean DISCONNECT discarded the will, and the client sent nothing to the topic's subscribers.
   */
  | { readonly fault: "cleanDisconnect"; readonly topic: string; readonly listeners: number }
  /**
   * Takeovers within 10 s, from `hosts`, which do not take turns: one client in a loop or on a link
   * that flaps, or two with one id.
   */
  | {
      readonly fault: "takeoverLoop";
      readonly takeovers: number;
      readonly hosts: readonly string[];
    }
  /** Two addresses take one id over by turns: two clients, or one that changes networks. */
  | { readonly fault: "sharedClientId"; readonly remotes: readonly string[] };

/**
 * `replaced`: by a CONNECT with Clean Start 1. `expired`: its Session Expiry Interval passed.
 * `memory` and `session limit`: it was offline for longest, and made room at `limits.memory` or
 * `limits.sessions`.
 */
export type SessionEnd = "expired" | "replaced" | "connection ended" | "memory" | "session limit";
