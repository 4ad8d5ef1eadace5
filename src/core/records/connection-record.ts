import { assert } from "../assert.ts";
import { ends } from "../end-causes.ts";
import type { Connection } from "../connection.ts";
import type { BrokerEvent, WillFacts } from "../events.ts";
import type { Millis } from "../io.ts";
import { costs, type Memory } from "../memory.ts";
import { protocolName, type ConnectPacket, type ProtocolVersion } from "../packet.ts";
import type { Session } from "../session.ts";
import { settlingMs, type Standstills } from "../standstills.ts";
import { excerpt } from "./excerpt.ts";
import { bytesOfFact, Kept } from "./kept.ts";
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

/** One connection of a client id, open or ended. */
export class ConnectionRecord extends Kept {
  /** Null: it has ended. Released then, because a connection holds buffers, maps and a session. */
  live: Connection | null;
  #facts: ConnectionFacts | null = null;
  #end: WillEndAccount | null = null;
  #endStatement: string | null = null;
  /** A store has kept it; what a will without record became is not kept. */
  isRestored = false;
  will: WillRecord | null = null;
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

  constructor(connection: Connection | null) {
    super(costs.connectionRecord);
    this.live = connection;
  }

  /** One of an earlier process, of which a store has kept this. */
  static restored(session: Session, allowedMs: number | null): ConnectionRecord | null {
    const { origin, version, username, ended, expiryIntervalSeconds } = session;
    if (origin === null || version === null || ended === null) return null;
    const { remote, listener, connectedAt, keepAliveSeconds } = origin;
    const record = new ConnectionRecord(null);
    record.isRestored = true;
    record.connectedAt = connectedAt;
    record.username = excerpt(username);
    record.keepAliveAskedSeconds = keepAliveSeconds;
    record.sessionPresent = session.createdAt < connectedAt;
    record.sessionExpirySeconds = expiryIntervalSeconds;
    record.sessionExpiryAskedSeconds = expiryIntervalSeconds;
    record.cleanStart = expiryIntervalSeconds === 0;
    const facts = {
      ...{ remote, listener, version, keepAliveSeconds, allowedMs, bridge: false, dropped: null },
      protocol: protocolName[version],
      openedAt: connectedAt,
      // Each packet would be too much to keep: the end stands for the last one.
      lastPacket: { type: "not kept", at: ended.at },
    };
    const { cause, at } = ended;
    const end = {
      ...{ at, cause, causeText: ends[cause].text, detail: null, allowedMs },
      silentMs: cause === "keepAliveExpired" ? (allowedMs ?? 0) : 0,
      sessionExpirySeconds: expiryIntervalSeconds === Infinity ? null : expiryIntervalSeconds,
    };
    record.#facts = facts;
    record.#end = end;
    record.grow(bytesOfFact(record.username) + bytesOfFact(facts) + bytesOfFact(end), null);
    return record;
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
  }
}
