import { assert } from "../assert.ts";
import type { Broker } from "../broker.ts";
import { ClientHistories, ConnectionRecord, Pings } from "./clients.ts";
import type { Connection } from "../connection.ts";
import { ends, type EndCause } from "../end-causes.ts";
import type { BrokerEvent, WaitEnd, WillAtEnd, WillFate } from "../events.ts";
import { excerpt } from "./excerpt.ts";
import { Habits } from "./habits.ts";
import { Histogram } from "./histogram.ts";
import type { Millis } from "../io.ts";
import type { ConnectPacket } from "../packet.ts";
import type { Session } from "../session.ts";
import type { Standstills } from "../standstills.ts";
import type { Will } from "../will.ts";
import { WillLedger, type WillRecord } from "./wills.ts";

/**
 * Where a connection or a will carries its own record, since looking it up would cost each PUBLISH. It
 * has nothing that a rule could read.
 */
export type Memory = object;

/** How CONNECT was accepted, where neither the packet nor the session says it. */
interface Accepted {
  readonly sessionPresent: boolean;
  /** Whether the client might publish on its will's topic by then. */
  readonly willAccess: WillRecord["origin"]["access"];
}

/** The end of a connection. */
interface Ended {
  readonly cause: EndCause;
  readonly detail: string | null;
  readonly statement: string | null;
  /** What was armed on it when it ended, and what becomes of it. */
  readonly armed: Will | null;
  readonly will: WillAtEnd | null;
}

/**
 * The one door to what is remembered for people. It decides nothing. A rule says what has happened,
 * once; who is told of it, and in which order, is said here: the ledger of wills, the histories of
 * clients, counts, the event for the log, and the clients' habits.
 */
export class Records {
  readonly wills: WillLedger;
  readonly clients: ClientHistories;
  readonly habits: Habits;
  /** Connections that ended since the start, by cause. */
  readonly ends: Record<EndCause, number>;
  /** How late connections were ended after their keepalive's deadline. */
  readonly keepAliveLateness = new Histogram();
  readonly #broker: Broker;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.wills = new WillLedger(broker.limits);
    this.clients = new ClientHistories(broker.limits);
    this.habits = new Habits(broker, this.clients);
    const counts = Object.keys(ends).map((cause) => [cause, 0]);
    this.ends = Object.fromEntries(counts) as Record<EndCause, number>; // The keys of the table.
  }

  /** Wills by their state, for `$SYS`: all that a rule may read here. */
  get willCounts(): WillLedger["counts"] {
    return this.wills.counts;
  }

  /** An event goes to the log; what is about one client id is remembered there as well. */
  noted(event: BrokerEvent): void {
    this.clients.noted(event, this.#broker.now);
  }

  /** A packet comes; `lastPacketAt` is that of the one before. */
  received(connection: Connection): void {
    const record = recordOf(connection);
    if (record === null) return;
    const { now, standstills } = this.#broker;
    let silentMs = connection.silentMs(now);
    if (silentMs <= record.longestSilenceMs) return;
    // It may have come while the broker stood still.
    silentMs -= standstills.stoodStillMs(connection.lastPacketAt, connection.pausedAt ?? now);
    if (silentMs > record.longestSilenceMs) record.longestSilenceMs = silentMs;
  }

  /** PINGREQ came. */
  pinged(connection: Connection): void {
    const record = recordOf(connection);
    if (record === null) return;
    const { now, standstills } = this.#broker;
    if (record.pings === null) record.pings = new Pings(now);
    else record.pings.received(now, standstills);
  }

  /** A client with a will published something. */
  published(will: Will, topic: string, retain: boolean): void {
    const ownPublishes = willRecordOf(will)?.ownPublishes ?? null;
    if (ownPublishes !== null) this.habits.published(will, ownPublishes, topic, retain);
  }

  /** CONNECT was accepted, and its will armed. */
  accepted(
    connection: Connection,
    session: Session,
    packet: ConnectPacket,
    { sessionPresent, willAccess }: Accepted,
  ): void {
    const broker = this.#broker;
    const { will, clientId } = session;
    const record = new ConnectionRecord(connection);
    record.connectedAt = broker.now;
    record.sessionPresent = sessionPresent;
    record.sessionExpirySeconds = session.expiryIntervalSeconds;
    record.claim(packet);
    connection.memory = record;
    // The page in the history comes first, so that the event finds it.
    const history = this.clients.connected(clientId);
    history.opened(record);
    if (will !== null) {
      record.will = this.#armed(connection, session, will, willAccess);
      history.armed(record.will);
    }
    broker.note({
      event: "connected",
      peer: connection.peer,
      version: packet.version,
      bridge: packet.bridge,
      cleanStart: packet.cleanStart,
      sessionPresent,
      keepAlive: connection.keepAliveSeconds,
      keepAliveAsked: packet.keepAliveSeconds,
      sessionExpiry: session.expiryIntervalSeconds,
      username: packet.username,
      will: will?.facts ?? null,
    });
    // What is odd about it is said behind the event that it is about.
    if (will !== null) this.habits.armed(connection, session, will);
  }

  #armed(
    { remote, version, keepAliveSeconds }: Connection,
    { clientId, expiryIntervalSeconds: sessionExpirySeconds }: Session,
    will: Will,
    access: Accepted["willAccess"],
  ): WillRecord {
    const origin = { clientId, remote, version, keepAliveSeconds, sessionExpirySeconds, access };
    const record = this.wills.arm(will.facts, origin, this.#broker.now);
    will.memory = record;
    return record;
  }

  /**
   * CONNECT is refused. It is remembered under the id that it claimed, so that its owner can ask why;
   * whoever is connected with it stays. `packet` is null where all that could be read is in the connection.
   */
  refused(connection: Connection, packet: ConnectPacket | null): void {
    const { clientId, listener } = connection;
    if (clientId === null) return;
    const record = new ConnectionRecord(connection);
    if (packet !== null) record.claim(packet);
    const will = packet?.will ?? null;
    if (will !== null) {
      const { qos, retain, delayIntervalSeconds: delayInterval, payload } = will;
      const topic = listener.mountPoint + will.topic;
      const payloadBytes = payload.length;
      record.refusedWill = excerpt({ topic, qos, retain, delayInterval, payloadBytes });
    }
    connection.memory = record;
    const known = this.clients.of(clientId);
    const history = known?.connected ? known : this.clients.gone(clientId);
    history.refused(record);
  }

  /** A client takes over the id under which another connection is open, which ends next. */
  takenOver(before: Connection, next: Connection): void {
    const history = this.clients.of(before.clientId ?? "");
    if (history !== null) this.habits.takenOver(history, before, next);
  }

  /** The connection has ended, and its will waits. */
  willDelayed(will: Will, due: Millis): void {
    const record = willRecordOf(will);
    if (record !== null) this.wills.delay(record, due, this.#broker.now);
  }

  /** A will met its one fate. `by`: what ended its wait; null: it did not wait. */
  willSettled(will: Will, fate: WillFate, by: WaitEnd | null): void {
    const broker = this.#broker;
    const { clientId } = will.session;
    const record = willRecordOf(will);
    if (record !== null) this.wills.settle(record, fate, by, broker.now);
    // Its client may be forgotten now: it is if the ledger says that no other will of it waits.
    this.clients.settled(clientId);
    // One that did not wait is told with the end of its connection.
    if (by === null) return;
    assert(will.ended !== null, "a delayed will's connection has ended");
    const { cause, at: endedAt } = will.ended;
    broker.note({ event: "will", clientId, cause, endedAt, by, will: fate });
    this.#fateNoted(will, fate);
  }

  /** A connection ended. `session`: which it had; null: CONNECT was not accepted. */
  ended(connection: Connection, session: Session | null, end: Ended): void {
    const broker = this.#broker;
    const { clientId, peer, remote, allowedMs, keepAliveSeconds } = connection;
    const { cause, statement, armed, will } = end;
    const record = recordOf(connection);
    const detail = end.detail ?? droppedDetail(connection) ?? unansweredDetail(broker, cause);
    const silence = silenceOf(broker, connection, cause);
    const wasConnected = session !== null;
    const refusedWill = record?.refusedWill ?? null;
    const facts = { detail, statement, ...silence, will, wasConnected };
    // The event first: with its connection, the client may be forgotten.
    const allowance = { allowedMs, keepAliveSeconds };
    broker.note({ event: "ended", peer, cause, ...facts, ...allowance, refusedWill });
    this.ends[cause] += 1;
    if (cause === "keepAliveExpired" && allowedMs !== null) {
      this.keepAliveLateness.add(silence.silentMs - allowedMs);
    }
    const { now: at } = broker;
    const why = { cause, causeText: ends[cause].text, detail };
    const fate = will === null ? "no will" : will.fate;
    this.clients.ended({ at, clientId, remote, ...why, will: fate });
    if (record !== null) {
      const expiry = session?.expiryIntervalSeconds ?? 0;
      const sessionExpirySeconds = expiry === Infinity ? null : expiry;
      const told = excerpt({ at, ...why, ...silence, allowedMs, sessionExpirySeconds });
      const since = record.connectedAt ?? connection.openedAt;
      record.close({ ...told, statement }, broker.standstills.stoodStillMs(since, at));
      if (record.will !== null) record.will.end = told;
      if (wasConnected && clientId !== null) this.clients.gone(clientId);
    }
    // What was odd about it is said behind the event that it is about.
    if (armed !== null && will !== null && will.fate !== "delayed") this.#fateNoted(armed, will);
  }

  /** The fate of a will is in the log: its story is over, but for what its client did wrong. */
  #fateNoted(will: Will, fate: WillFate): void {
    const record = willRecordOf(will);
    if (record === null) return;
    this.habits.settled(will, record, fate);
    record.ownPublishes = null;
  }
}

// Only this door gives a connection or a will its memory.
function recordOf({ memory }: Connection): ConnectionRecord | null {
  return memory as ConnectionRecord | null;
}

function willRecordOf({ memory }: Will): WillRecord | null {
  return memory as WillRecord | null;
}

/** How long the client was silent, and what the broker itself has to do with that. Milliseconds. */
function silenceOf(
  { standstills, now }: Broker,
  connection: Connection,
  cause: EndCause,
): {
  readonly silentMs: number;
  readonly stoodStillMs?: number;
  readonly lastPacketWaitedMs?: number;
} {
  const silentMs = connection.silentMs(now);
  // A packet that was read late, or not yet, may be why.
  const { stoodStillMs, lastPacketWaitedMs } = standstills.duringSilenceOf(connection, now);
  // Only where it ends for silence it matters when that began.
  const isReadLate = cause === "keepAliveExpired" && lastPacketWaitedMs > 0;
  return {
    silentMs,
    ...(stoodStillMs > 0 && { stoodStillMs }),
    ...(isReadLate && { lastPacketWaitedMs }),
  };
}

/** What an operator did to a connection tells more of its end than the cause. */
function droppedDetail({ dropped }: Connection): string | null {
  if (dropped === null) return null;
  return dropped.how === "rst" ? "on the operator's order" : "the operator had silenced its link";
}

/** A client that gets no PINGRESP closes its connection by itself. */
function unansweredDetail(
  { standstills, now }: { readonly standstills: Standstills; readonly now: Millis },
  cause: EndCause,
): string | null {
  if (cause !== "closedByPeer" && cause !== "resetByPeer") return null;
  const lastedMs = standstills.justEndedMs(now);
  if (lastedMs === 0) return null;
  return `while the broker itself stood still for ${(lastedMs / 1000).toFixed(1)} s and sent no answers`;
}
