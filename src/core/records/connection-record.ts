import { assert } from "../assert.ts";
import { ends, type EndCause } from "../end-causes.ts";
import type { Connection } from "../connection.ts";
import type { BrokerEvent, WillFacts } from "../events.ts";
import type { RecordChange } from "../durable.ts";
import type { Millis } from "../io.ts";
import { costs, type Memory } from "../memory.ts";
import { protocolName, type ConnectPacket, type ProtocolVersion } from "../packet.ts";
import type { Session } from "../session.ts";
import { settlingMs, type Standstills } from "../standstills.ts";
import { excerpt } from "./excerpt.ts";
import { bytesOfFact, LastingKept } from "./kept.ts";
import type { RecordJournal } from "./record-journal.ts";
import type { ConnectionAccount, PingRhythm } from "./client-account.ts";
import type { WillEndAccount } from "./will-account.ts";
import type { WillRecord } from "./wills.ts";

const pingsKept = 16;

/** Intervals between PINGREQs of one connection. Only a PINGREQ costs time. */
export class Pings {
  #lastAt: Millis;
  readonly #intervals: number[] = [];
  #count = 0;
  #measured = 0;
  #worstMs = 0;

  constructor(now: Millis) {
    this.#lastAt = now;
  }

  received(now: Millis, standstills: Standstills): void {
    const interval = now - this.#lastAt;
    this.#count += 1;
    // After a standstill it is unknown when the PINGREQ arrived, so do not measure this interval.
    const isMeasured = standstills.stoodStillMs(this.#lastAt - settlingMs, now) === 0;
    this.#lastAt = now;
    if (!isMeasured) return;
    this.#intervals[this.#measured % pingsKept] = interval;
    this.#measured += 1;
    if (interval > this.#worstMs) this.#worstMs = interval;
  }

  get rhythm(): PingRhythm | null {
    if (this.#count === 0) return null;
    if (this.#measured === 0) return { count: this.#count + 1, medianMs: null, worstMs: null };
    const sorted = this.#intervals.toSorted((a, b) => a - b);
    const half = Math.floor(sorted.length / 2);
    const medianMs =
      sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
    return { count: this.#count + 1, medianMs, worstMs: this.#worstMs };
  }
}

/** Facts of the connection itself: read from it while it is open, copied at its end. */
type ConnectionFacts = Pick<
  ConnectionAccount,
  | "remote"
  | "listener"
  | "mountPoint"
  | "protocol"
  | "openedAt"
  | "keepAliveSeconds"
  | "lastPacket"
  | "incomplete"
  | "dropped"
> & {
  readonly allowedMs: number | null;
  readonly version: ProtocolVersion;
  readonly bridge: boolean;
};

export function factsOf(connection: Connection): ConnectionFacts {
  const { remote, listener, version, openedAt, allowedMs, incomplete, dropped } = connection;
  const facts = {
    remote,
    listener: listener.name,
    protocol: protocolName[version],
    version,
    bridge: connection.bridge,
    openedAt,
    keepAliveSeconds: connection.keepAliveSeconds,
    allowedMs,
    lastPacket: { type: connection.lastPacketType.toUpperCase(), at: connection.lastPacketAt },
    dropped,
  };
  const { mountPoint } = listener;
  if (mountPoint === "" && incomplete === null) return facts;
  return { ...facts, ...(mountPoint !== "" && { mountPoint }), ...(incomplete && { incomplete }) };
}

/**
 * What a store keeps of a connection: as its CONNECT was answered, and as it ended. In between
 * nothing is written, so of one that was open when its broker died it has no packet after CONNECT.
 */
export interface DurableConnection {
  /** Counts up in the order of the answers to CONNECT. */
  readonly connection: number;
  readonly clientId: string;
  readonly facts: ConnectionFacts;
  readonly connectedAt: Millis | null;
  readonly cleanStart: boolean;
  readonly sessionPresent: boolean;
  readonly username: string | null;
  readonly keepAliveAskedSeconds: number;
  /** Null: never, as in the next. */
  readonly sessionExpirySeconds: number | null;
  readonly sessionExpiryAskedSeconds: number | null;
  readonly refusedWill: WillFacts | null;
  readonly willId: number | null;
  /** A store had only its session. */
  readonly isOfSession?: true;
  /** Null: it was open. */
  readonly ended: {
    readonly end: WillEndAccount;
    readonly statement: string | null;
    readonly stoodStillInAllMs: number;
    readonly longestSilenceMs: number;
    readonly pings: PingRhythm | null;
  } | null;
}

/** One connection of a client id, open or ended. */
export class ConnectionRecord extends LastingKept {
  readonly clientId: string;
  /** In a store; 0: nothing outlives the process. */
  #number: number;
  /** Null: it has ended. Released then, because a connection holds buffers, maps and a session. */
  live: Connection | null;
  #facts: ConnectionFacts | null = null;
  #end: WillEndAccount | null = null;
  #endStatement: string | null = null;
  /** It was open when its broker died: what it sent is not kept. */
  isRestored = false;
  /**
   * A store had only its session: its Clean Start is not known, nor, if it had ended before, whether it
   * had a will that was decided.
   */
  isOfSession = false;
  will: WillRecord | null = null;
  /** Of a will whose record may be forgotten; null: it had none, or `will` is it. */
  #willId: number | null = null;
  /** Of an ended connection: how long the broker stood still while it was open. */
  stoodStillInAllMs = 0;
  connectedAt: Millis | null = null;
  cleanStart = true;
  sessionPresent = false;
  username: string | null = null;
  keepAliveAskedSeconds = 0;
  sessionExpirySeconds = 0;
  /** Seconds; Infinity: never. What CONNECT asked for, or would have got without a limit. */
  sessionExpiryAskedSeconds = 0;
  /** The will of a refused CONNECT. */
  refusedWill: WillFacts | null = null;
  /** Milliseconds: the longest interval between two packets since CONNECT was accepted. */
  longestSilenceMs = 0;
  /** Created with the first PINGREQ. */
  pings: Pings | null = null;
  /** Of one that a store has kept. */
  #rhythm: PingRhythm | null = null;

  constructor(clientId: string, connection: Connection | null, journal: RecordJournal | null) {
    super(costs.connectionRecord, journal);
    this.clientId = clientId;
    this.live = connection;
    this.#number = journal?.next() ?? 0;
  }

  /** As a store has kept it. If it was open, its broker died at `diedAt`. */
  static stored(kept: DurableConnection, diedAt: Millis, journal: RecordJournal): ConnectionRecord {
    const { facts, ended, sessionExpirySeconds: expiry } = kept;
    const record = new ConnectionRecord(kept.clientId, null, journal);
    record.#number = kept.connection;
    journal.adopt(kept.connection);
    record.isStored = true;
    record.connectedAt = kept.connectedAt;
    record.cleanStart = kept.cleanStart;
    record.sessionPresent = kept.sessionPresent;
    record.username = kept.username;
    record.keepAliveAskedSeconds = kept.keepAliveAskedSeconds;
    record.sessionExpirySeconds = expiry ?? Infinity;
    record.sessionExpiryAskedSeconds = kept.sessionExpiryAskedSeconds ?? Infinity;
    record.refusedWill = kept.refusedWill;
    record.isOfSession = kept.isOfSession === true;
    record.#willId = kept.willId;
    if (ended === null) record.#breakOff({ cause: "brokerRestarted", at: diedAt }, facts, expiry);
    else {
      record.#facts = facts;
      record.#end = ended.end;
      record.#endStatement = ended.statement;
      record.stoodStillInAllMs = ended.stoodStillInAllMs;
      record.longestSilenceMs = ended.longestSilenceMs;
      record.#rhythm = ended.pings;
      record.isRestored = facts.lastPacket.type === notKept;
    }
    record.#count();
    if (ended === null) record.changed();
    return record;
  }

  /** One of an earlier process, of which a store has kept the session alone. */
  static ofSession(
    session: Session,
    allowedMs: number | null,
    journal: RecordJournal | null,
  ): ConnectionRecord | null {
    const { origin, version, username, ended, expiryIntervalSeconds: expiry } = session;
    if (origin === null || version === null || ended === null) return null;
    const { remote, listener, connectedAt, keepAliveSeconds } = origin;
    const record = new ConnectionRecord(session.clientId, null, journal);
    record.isOfSession = true;
    record.connectedAt = connectedAt;
    record.username = excerpt(username);
    record.keepAliveAskedSeconds = keepAliveSeconds;
    record.sessionPresent = session.createdAt < connectedAt;
    record.sessionExpirySeconds = expiry;
    record.sessionExpiryAskedSeconds = expiry;
    record.cleanStart = expiry === 0;
    const facts = {
      ...{ remote, listener, version, keepAliveSeconds, allowedMs, bridge: false, dropped: null },
      protocol: protocolName[version],
      openedAt: connectedAt,
      lastPacket: { type: notKept, at: ended.at },
    };
    record.#breakOff(ended, facts, expiry === Infinity ? null : expiry);
    record.#count();
    return record;
  }

  /** It ended with its broker, or so that a store has no more of it. */
  #breakOff(
    { cause, at }: { readonly cause: EndCause; readonly at: Millis },
    facts: ConnectionFacts,
    sessionExpirySeconds: number | null,
  ): void {
    const { allowedMs } = facts;
    this.isRestored = true;
    // Each packet would be too much to keep: the end stands for the last one.
    this.#facts = { ...facts, lastPacket: { type: notKept, at } };
    this.#end = {
      ...{ at, cause, causeText: ends[cause].text, detail: null, allowedMs },
      silentMs: cause === "keepAliveExpired" ? (allowedMs ?? 0) : 0,
      sessionExpirySeconds,
    };
  }

  /** Counts what it has beside its fields. */
  #count(): void {
    const told = [this.username, this.#facts, this.#end, this.refusedWill];
    for (const fact of told) this.grow(bytesOfFact(fact), null);
  }

  put(): RecordChange {
    const { clientId, connectedAt, cleanStart, sessionPresent, username } = this;
    const value: DurableConnection = {
      ...{ connection: this.#number, clientId, facts: this.facts, connectedAt, cleanStart },
      ...{ sessionPresent, username, keepAliveAskedSeconds: this.keepAliveAskedSeconds },
      sessionExpirySeconds: finite(this.sessionExpirySeconds),
      sessionExpiryAskedSeconds: finite(this.sessionExpiryAskedSeconds),
      ...{ refusedWill: this.refusedWill, willId: this.willId },
      ended: this.#ended,
      ...(this.isOfSession && { isOfSession: true }),
    };
    return { put: "connection", value };
  }

  get #ended(): DurableConnection["ended"] {
    const { stoodStillInAllMs, longestSilenceMs, rhythm: pings } = this;
    const end = this.#end;
    if (end === null) return null;
    const statement = this.#endStatement;
    return { end, statement, stoodStillInAllMs, longestSilenceMs, pings };
  }

  drop(): RecordChange {
    return { delete: "connection", number: this.#number };
  }

  /** Of the will that it armed; null: it had none. */
  get willId(): number | null {
    return this.will?.id ?? this.#willId;
  }

  get rhythm(): PingRhythm | null {
    return this.pings?.rhythm ?? this.#rhythm;
  }

  /** Keeps what CONNECT asked for. */
  claim({ cleanStart, username, keepAliveSeconds }: ConnectPacket, memory: Memory): void {
    this.cleanStart = cleanStart;
    this.username = excerpt(username);
    this.grow(bytesOfFact(this.username), memory);
    this.keepAliveAskedSeconds = keepAliveSeconds;
  }

  get facts(): ConnectionFacts {
    const facts = this.live === null ? this.#facts : factsOf(this.live);
    assert(facts !== null, "a connection that has ended left its facts");
    return facts;
  }

  /** The event of its accepted CONNECT, made again when it is asked for. */
  connected(clientId: string): BrokerEvent {
    const { remote, version, bridge, keepAliveSeconds } = this.facts;
    return {
      event: "connected",
      peer: excerpt({ clientId, remote }),
      version,
      bridge,
      cleanStart: this.cleanStart,
      sessionPresent: this.sessionPresent,
      keepAlive: keepAliveSeconds,
      keepAliveAsked: this.keepAliveAskedSeconds,
      sessionExpiry: this.sessionExpirySeconds,
      username: this.username,
      will: this.will?.facts ?? null,
    };
  }

  /** Null: it is open. */
  get end(): ConnectionAccount["end"] {
    return this.#end && { ...this.#end, statement: this.#endStatement };
  }

  /** Copies the connection's facts and releases it. */
  close(
    end: WillEndAccount,
    statement: string | null,
    stoodStillInAllMs: number,
    memory: Memory,
  ): void {
    this.#facts = this.facts;
    this.live = null;
    this.grow(bytesOfFact(this.#facts) + bytesOfFact(end), memory);
    this.#end = end;
    this.#endStatement = statement;
    this.stoodStillInAllMs = stoodStillInAllMs;
    this.changed();
  }
}

/** In place of the type of a last packet. */
const notKept = "not kept";

/** Null: never. */
function finite(seconds: number): number | null {
  return seconds === Infinity ? null : seconds;
}
