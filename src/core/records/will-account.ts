import type { EndCause } from "../end-causes.ts";
import type { Reach, WaitEnd, WillCancelled, WillDiscarded } from "../events.ts";
import type { ProtocolName } from "../packet.ts";
import type { WillState } from "../will.ts";

/**
 * The broker's accounts of wills as plain JSON: the shapes behind `inspect`, the administration
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
  /**
   * Of a delayed will, in the account of its client: when it is published, since it is due before
   * subscribers had time to return after a restart. Absent: when it is due.
   */
  readonly heldUntil?: number;
  /**
   * Of a delayed will that is not due, in the account of its client: until when the client's return
   * cancels it with Clean Start too, after a restart. Absent: Clean Start publishes it.
   */
  readonly gracedUntil?: number;
  readonly state: WillState;
  readonly armedAt: number;
  /** The end of its connection; null: it is open. */
  readonly end: WillEndAccount | null;
  /**
   * When it is due to be published, known from the end of the connection; null before, or if never.
   */
  readonly dueAt: number | null;
  /**
   * Of a will that was due while the broker was down or just after, and waits, or waited, for clients
   * to return: its own one cancels it (`grace`) or does not (`settle`). Absent: it is no such will.
   */
  readonly waitsAfterRestart?: "grace" | "settle";
  readonly fate: WillFateAccount | null;
  /**
   * What its client published on its connection. Absent: a store has kept the will from before the
   * broker's restart, and not that; or the broker is older than this field.
   */
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

/** Which wills to list. Absent: no restriction. */
export interface WillQuery {
  readonly clientId?: string;
  /** In full. The ledger keeps only the beginning of a long topic, so others may match as well. */
  readonly topic?: string;
  /** `fired`: published; `notFired`: discarded or cancelled; `pending`: armed or delayed. */
  readonly which?: "pending" | "fired" | "notFired";
}
