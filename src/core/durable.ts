import type { EndCause } from "./end-causes.ts";
import type { Millis } from "./io.ts";
import type { ProtocolVersion, Qos } from "./packet.ts";
import type { DurableConnection, DurableHabits, WillAccount } from "./records/records.ts";

/**
 * What outlives the process, as plain values: no store, no SQL and no rule of MQTT is in them. The
 * journal makes them from the broker's state, a store keeps them, `restore.ts` makes state of them
 * again. Byte arrays never change after they were handed out.
 *
 * Keys are numbers that the journal assigns, and the protocol's own. A session has a number that is
 * larger than any before it and never used again: a client id whose session ends and begins anew has
 * another one. Who has two sessions of one client id keeps the one with the larger number.
 */

/**
 * A session that outlives its connection, or one that does not and has a will: then only this record
 * and the will are kept of it.
 */
export interface DurableSession {
  readonly session: number;
  readonly clientId: string;
  /** Of the latest CONNECT, as all up to `keepAliveSeconds`. */
  readonly version: ProtocolVersion;
  readonly username: string | null;
  /** The name of its listener's access list; null: the broker's. */
  readonly accessList: string | null;
  /** The name of the listener, and the address of the client. */
  readonly listener: string;
  readonly remote: string;
  readonly connectedAt: Millis;
  readonly keepAliveSeconds: number;
  readonly createdAt: Millis;
  /** How and when its connection ended; null: it was open when this was written. */
  readonly ended: { readonly cause: EndCause; readonly at: Millis } | null;
  /** Seconds that it outlives its connection; null: it never expires. */
  readonly expirySeconds: number | null;
  /** Whether it ever had a shared subscription. */
  readonly hasUsedSharedFilters: boolean;
}

/** Key: session and filter. */
export interface DurableSubscription {
  readonly session: number;
  /** As the client sent it: with `$share/group/`, without the mount point. */
  readonly filter: string;
  readonly mountPoint: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: none. */
  readonly identifier: number;
  /** Retained messages are still to be sent for it. */
  readonly owesRetained: boolean;
}

/** A message that copies, and at most one retained topic, refer to. Key: message. */
export interface DurableMessage {
  readonly message: number;
  /** With its publisher's mount point. */
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** In the encoding of the wire, less Topic Alias and Message Expiry Interval; null: none. */
  readonly properties: Uint8Array | null;
  /** Null: never. */
  readonly expiresAt: Millis | null;
}

interface DurableCopy {
  readonly session: number;
  readonly message: number;
  readonly qos: 1 | 2;
  readonly retain: boolean;
  /** Subscription Identifiers; null: none. */
  readonly identifiers: readonly number[] | null;
  /** The filter of the shared subscription that matched; null: none did. */
  readonly shared: string | null;
}

/** A message in a session's queue, not sent yet. QoS 0 is not kept. Key: session and place. */
export interface DurableQueued extends DurableCopy {
  /** Counts up in the order of the queue. */
  readonly place: number;
}

/** A message that was sent and not acknowledged. Key: session and packet id. */
export interface DurableOutgoing extends DurableCopy {
  readonly packetId: number;
  /** Counts up in the order of first sending. */
  readonly order: number;
  readonly awaited: "puback" | "pubrec" | "pubcomp";
  /** Length of the mount point when it was first sent. */
  readonly strip: number;
}

/** A QoS 2 message of a client that was published and waits for PUBREL. Key: both. */
export interface DurableIncoming {
  readonly session: number;
  readonly packetId: number;
}

/** Key: topic. */
export interface DurableRetained {
  /** With its publisher's mount point. */
  readonly topic: string;
  readonly message: number;
}

/** The will of a session's latest connection, without a fate yet. Key: session. */
export interface DurableWill {
  readonly session: number;
  /** As CONNECT gave it, without the mount point. */
  readonly topic: string;
  readonly mountPoint: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly delayIntervalSeconds: number;
  /** Null: its message never expires. */
  readonly expirySeconds: number | null;
  /** In the encoding of the wire, less Will Delay and Message Expiry Interval; null: none. */
  readonly properties: Uint8Array | null;
  readonly armedAt: Millis;
  /** How and when its connection ended; null: it is armed. */
  readonly ended: { readonly cause: EndCause; readonly at: Millis } | null;
  /** When it is due; null: it is armed. */
  readonly dueAt: Millis | null;
}

/**
 * What is remembered for people of clients, of their connections and wills: plain JSON. Nothing else
 * refers to it. A will's key is its `id`, any other's its own number; none is used again.
 */
export type RecordChange =
  | { readonly put: "habits"; readonly value: DurableHabits }
  | { readonly put: "connection"; readonly value: DurableConnection }
  | { readonly put: "willRecord"; readonly value: WillAccount }
  | { readonly delete: "habits" | "connection" | "willRecord"; readonly number: number };

/**
 * One step of a batch. A put replaces the record with the same key. Deleting a session deletes all
 * records with its number but messages, which have deletes of their own; deleting what is not there
 * changes nothing.
 */
export type Change =
  | { readonly put: "session"; readonly value: DurableSession }
  | { readonly put: "subscription"; readonly value: DurableSubscription }
  | { readonly put: "message"; readonly value: DurableMessage }
  | { readonly put: "queued"; readonly value: DurableQueued }
  | { readonly put: "outgoing"; readonly value: DurableOutgoing }
  | { readonly put: "incoming"; readonly value: DurableIncoming }
  | { readonly put: "retained"; readonly value: DurableRetained }
  | { readonly put: "will"; readonly value: DurableWill }
  | RecordChange
  | { readonly delete: "session"; readonly session: number }
  | { readonly delete: "subscription"; readonly session: number; readonly filter: string }
  | { readonly delete: "message"; readonly message: number }
  | { readonly delete: "queued"; readonly session: number; readonly place: number }
  | { readonly delete: "outgoing"; readonly session: number; readonly packetId: number }
  | { readonly delete: "incoming"; readonly session: number; readonly packetId: number }
  | { readonly delete: "retained"; readonly topic: string }
  | { readonly delete: "will"; readonly session: number };

/**
 * A batch: all of it is kept or nothing. In its order every message stands before what refers to it,
 * every session before what belongs to it, and no record refers to a message after its delete.
 */
export type Changes = readonly Change[];

/** One session with all that belongs to it. Lists in any order. */
export interface StoredSession {
  readonly session: DurableSession;
  readonly subscriptions: readonly DurableSubscription[];
  readonly queued: readonly DurableQueued[];
  readonly outgoing: readonly DurableOutgoing[];
  readonly incoming: readonly DurableIncoming[];
  readonly will: DurableWill | null;
}

/**
 * A part of what a store has kept: whole sessions. Messages that it refers to are in it or in an
 * earlier part, and so are the records of its connections, before those of its wills.
 */
export interface StoredPart {
  readonly messages: readonly DurableMessage[];
  /** Before the sessions that they are of, each in the order of its key. */
  readonly habits: readonly DurableHabits[];
  readonly connections: readonly DurableConnection[];
  readonly willRecords: readonly WillAccount[];
  readonly sessions: readonly StoredSession[];
  readonly retained: readonly DurableRetained[];
}

/**
 * Milliseconds between two signs of life in the store: a broker that was killed died so long after the
 * last one, at the latest.
 */
export const signOfLifeMs = 1000;

/** Why a batch was not kept. */
export interface StoreFailure {
  /** There is no room for it: more of it may come. */
  readonly isFull: boolean;
  /** What went wrong, as a clause: `the disk is full`. */
  readonly detail: string;
  /**
   * The store is as it was before, and notes beside itself that it is behind: the next start knows
   * that what it has may be older than the death of this broker.
   */
  readonly isNoted: boolean;
}

/**
 * Keeps a batch. Calls `done` once and later, never before it has returned: with null when the batch
 * is kept. The next batch comes after that; one that failed comes again.
 */
export type Commit = (changes: Changes, done: (failure: StoreFailure | null) => void) => void;
