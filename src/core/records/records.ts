import { assert } from "../assert.ts";
import type { Broker } from "../broker.ts";
import { ClientHistories } from "./clients.ts";
import { ConnectionRecord, Pings } from "./connection-record.ts";
import { sessionExpirySecondsAsked } from "../connack.ts";
import type { Connection } from "../connection.ts";
import type { StoredPart } from "../durable.ts";
import { ends, type EndCause } from "../end-causes.ts";
import type { BrokerEvent, WaitEnd, WillAtEnd, WillFate } from "../events.ts";
import { droppedDetail, furtherSilenceOf, partOf, unansweredDetail } from "./end-details.ts";
import { excerpt } from "./excerpt.ts";
import { Habits } from "./habits.ts";
import { Histogram } from "./histogram.ts";
import { bytesOfFact } from "./kept.ts";
import type { Millis } from "../io.ts";
import type { ConnectPacket, Message, PublishPacket, PublishRun } from "../packet.ts";
import type { Session } from "../session.ts";
import { type RecentBounds, RecentMessages } from "./recent-messages.ts";
import { RecordJournal } from "./record-journal.ts";
import { RestoredRecords } from "./restored-records.ts";
import { sparkplugOf } from "./sparkplug.ts";
import { spokenStatement } from "./spoken-statement.ts";
import { type Will, willFacts } from "../will.ts";
import { WillLedger, type WillRecord } from "./wills.ts";
import { WillTopics } from "./will-topics.ts";

export type { RecentBounds };
export type { DurableConnection } from "./connection-record.ts";
export type { DurableHabits } from "./client-history.ts";
export type { RecordJournal } from "./record-journal.ts";
export type { WillAccount } from "./will-account.ts";

/**
 * A connection's or a will's reference to its own record, which saves a lookup for each PUBLISH.
 * Rules can read nothing in it.
 */
export type RecordRef = object;

/** Share of `limits.memory` for what can be forgotten, while memory is short. */
const shareWhileShort = 1 / 32;
/** Of each list in one turn. */
const forgottenAtOnce = 20;

/** Facts of an accepted CONNECT that are in neither the packet nor the session. */
interface Accepted {
  readonly sessionPresent: boolean;
  /** Whether the client may publish on its will's topic at CONNECT. */
  readonly willAccess: WillRecord["origin"]["access"];
}

/** The end of a connection. */
interface Ended {
  readonly cause: EndCause;
  readonly detail: string | null;
  readonly statement: string | null;
  /** One of too many in a second, so the log only counts it. */
  readonly isUntold: boolean;
  /** The will that was armed on it, and its fate or delay. */
  readonly armed: Will | null;
  readonly will: WillAtEnd | null;
}

/**
 * The one door to what the broker remembers for people. It decides nothing. A rule reports each
 * fact with one call; this class passes it on, in the right order, to the ledger of wills, the
 * histories of clients, the counts, the log and the habits.
 */
export class Records {
  readonly wills: WillLedger;
  readonly clients: ClientHistories;
  readonly topics: WillTopics;
  readonly habits: Habits;
  readonly messages: RecentMessages;
  /** Ended connections since the start, by cause. */
  readonly ends: Record<EndCause, number>;
  /** How long after their keepalive's deadline connections were ended. */
  readonly keepAliveLateness = new Histogram();
  readonly #broker: Broker;
  /** Null: nothing outlives the process. */
  readonly #journal: RecordJournal | null;
  readonly #kept: RestoredRecords | null;

  constructor(broker: Broker, recentMessages: Partial<RecentBounds>) {
    this.#broker = broker;
    this.messages = new RecentMessages(recentMessages, broker.memory);
    const journal = broker.journal === null ? null : new RecordJournal(broker.journal);
    if (broker.journal !== null) broker.journal.remembered = journal;
    this.#journal = journal;
    this.wills = new WillLedger(broker.limits, broker.memory, journal);
    this.clients = new ClientHistories(broker.limits, broker.memory, journal);
    this.topics = new WillTopics(broker.limits, broker.memory);
    this.#kept = journal && new RestoredRecords(this, journal);
    this.habits = new Habits(broker, this.clients, this.topics);
    const counts = Object.keys(ends).map((cause) => [cause, 0]);
    this.ends = Object.fromEntries(counts) as Record<EndCause, number>; // The keys of the table.
  }

  /** Wills by state, for `$SYS`. Rules may read nothing else here. */
  get willCounts(): WillLedger["counts"] {
    return this.wills.counts;
  }

  /** An event was logged: keeps it in the history of its client id, if any. */
  noted(event: BrokerEvent): void {
    this.clients.noted(event, this.#broker.now);
  }

  /** A packet arrived; `lastPacketAt` is still that of the packet before. */
  received(connection: Connection): void {
    const record = recordOf(connection);
    if (record === null) return;
    const { now, standstills } = this.#broker;
    let silentMs = connection.silentMs(now);
    if (silentMs <= record.longestSilenceMs) return;
    // It may have arrived while the broker stood still.
    silentMs -= standstills.stoodStillMs(connection.lastPacketAt, connection.pausedAt ?? now);
    if (silentMs > record.longestSilenceMs) record.longestSilenceMs = silentMs;
  }

  /** A message was published, whoever sent it. */
  passed(message: Message, publisher: Session | null, isWill: boolean): void {
    this.messages.passed(message, publisher, isWill, this.#broker.now);
  }

  /** The first `count` messages of a run were published by a client. */
  passedRun(publisher: Session, run: PublishRun, count: number): void {
    this.messages.passedRun(run, count, publisher, this.#broker.now);
    const { will } = publisher;
    const own = will === null ? null : willRecordOf(will)?.own;
    if (will === null || !own) return;
    const { topic } = run;
    if (topic !== will.topic && topic !== own.sparkplug?.birthTopic) {
      own.count += count;
      own.endedOnTopic = false;
      return;
    }
    for (let at = 0; at < count; at++) {
      const payload = run.payload(at);
      this.habits.published(will, own, topic, { retain: false, payload });
    }
  }

  /** Memory is short: forgets what is the least loss. */
  ranShort(): void {
    this.messages.forget();
    const { memory } = this.#broker;
    for (let at = 0; at < forgottenAtOnce; at++) {
      if (memory.records.bytes <= memory.limit * shareWhileShort) return;
      const lists = [this.clients, this.wills, this.topics];
      // Each of them once.
      if (lists.filter((list) => list.forgetOldest()).length === 0) return;
    }
  }

  /** PINGREQ arrived. */
  pinged(connection: Connection): void {
    const record = recordOf(connection);
    if (record === null) return;
    const { now, standstills } = this.#broker;
    if (record.pings === null) record.pings = new Pings(now);
    else record.pings.received(now, standstills);
  }

  /** A client with a will published a message. */
  published(will: Will, topic: string, packet: PublishPacket): void {
    const record = willRecordOf(will);
    if (record !== null && record.own !== null) {
      this.habits.published(will, record.own, topic, packet);
    }
  }

  /** A message with RETAIN was stored, or without payload deleted the stored one. */
  retained(publisher: Session | null, message: Message): void {
    this.topics.retained(publisher, message, this.#broker.now);
  }

  /** CONNECT was accepted and its will armed. */
  accepted(
    connection: Connection,
    session: Session,
    packet: ConnectPacket,
    { sessionPresent, willAccess }: Accepted,
  ): void {
    const broker = this.#broker;
    const { will, clientId } = session;
    const record = new ConnectionRecord(clientId, connection, this.#journal);
    record.connectedAt = broker.now;
    record.sessionPresent = sessionPresent;
    record.sessionExpirySeconds = session.expiryIntervalSeconds;
    record.sessionExpiryAskedSeconds = sessionExpirySecondsAsked(packet);
    record.claim(packet, broker.memory);
    connection.recordRef = record;
    const history = this.clients.connected(clientId);
    history.accepted(record);
    if (will !== null) {
      record.will = this.#armed(connection, session, will, willAccess);
      history.armed(record.will);
    }
    record.noted();
    // Its record stands for it in the history.
    broker.tell({
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
    // Habits are logged after the event that shows them.
    if (will !== null && record.will !== null) {
      this.habits.armed(connection, session, will, record.will);
    }
  }

  /** A store has kept records: a part of them. */
  loaded(part: StoredPart, diedAt: Millis): void {
    this.#kept?.loaded(part, diedAt);
  }

  /** Nothing more is restored. */
  loadedAll(): void {
    this.#kept?.loadedAll();
  }

  /** A store has kept a session. `allowedMs`: of silence, by its keepalive; null: any. */
  restored(session: Session, allowedMs: number | null): void {
    this.#kept?.restored(session, allowedMs);
  }

  /** A restored will that was due before waits for its subscribers, or its client, until `due`. */
  willWaits(will: Will, due: Millis): void {
    const record = willRecordOf(will);
    if (record === null) return;
    record.dueAt = due;
    record.waitsAfterRestart = will.isGraced ? "grace" : "settle";
    record.changed();
  }

  #armed(
    { remote, version, keepAliveSeconds }: Connection,
    { clientId, expiryIntervalSeconds: sessionExpirySeconds }: Session,
    will: Will,
    access: Accepted["willAccess"],
  ): WillRecord {
    const origin = {
      ...{ clientId, remote, version, keepAliveSeconds, sessionExpirySeconds },
      ...{ access, isRestored: false },
    };
    const record = this.wills.arm(will.facts, will.packet.payload, origin, this.#broker.now);
    if (record.own !== null) record.own.sparkplug = sparkplugOf(will.topic, will.packet.payload);
    will.recordRef = record;
    return record;
  }

  /**
   * CONNECT was refused. Kept under the client id that it claimed, so that its owner can ask why; a
   * live connection with that id is untouched. `packet` null: the rest of CONNECT could not be
   * read.
   */
  refused(connection: Connection, packet: ConnectPacket | null): void {
    const { clientId, listener } = connection;
    if (clientId === null) return;
    const record = new ConnectionRecord(clientId, connection, this.#journal);
    if (packet !== null) record.claim(packet, this.#broker.memory);
    const will = packet?.will ?? null;
    if (will !== null) {
      record.refusedWill = excerpt(willFacts(will, listener.mountPoint + will.topic));
      record.grow(bytesOfFact(record.refusedWill), null);
    }
    connection.recordRef = record;
    const known = this.clients.of(clientId);
    const history = known?.connected ? known : this.clients.gone(clientId);
    history.refused(record);
  }

  /** `next` takes over the client id of `before`, which ends next. */
  takenOver(before: Connection, next: Connection): void {
    const history = this.clients.of(before.clientId ?? "");
    if (history !== null) this.habits.takenOver(history, before, next);
  }

  /** A connection ended and its will is delayed. */
  willDelayed(will: Will, due: Millis): void {
    const record = willRecordOf(will);
    if (record === null) return;
    this.wills.delay(record, due, this.#broker.now);
    this.topics.delayed(record);
  }

  /** A will got its one fate. `by`: what ended its delay; null: it had none. */
  willSettled(will: Will, fate: WillFate, by: WaitEnd | null): void {
    const broker = this.#broker;
    const { clientId } = will.session;
    const record = willRecordOf(will);
    if (record !== null) {
      this.wills.settle(record, fate, by, broker.now);
      record.changed();
      const changed = fate.fate === "published" && fate.reach.retained !== null;
      if (changed) record.overwrote = this.#overwrittenBy(record);
      this.topics.settled(record);
    }
    // The client's history may be dropped now, if no other will of the client is delayed.
    this.clients.settled(clientId);
    // The fate of a will without delay is logged with the end of its connection.
    if (by === null) return;
    assert(will.ended !== null, "a delayed will's connection has ended");
    const { cause, at: endedAt } = will.ended;
    broker.note({ event: "will", clientId, cause, endedAt, by, will: fate });
    this.#fateNoted(will, fate);
  }

  /**
   * The ordinary retained message that a will replaced, if its publisher is connected with a will on
   * the same topic.
   */
  #overwrittenBy(record: WillRecord): WillRecord["overwrote"] {
    const before = this.topics.willRetained(record);
    if (before === null) return null;
    // An armed will is its client's newest.
    const own = this.clients.of(before.clientId)?.wills.at(-1);
    if (own?.state !== "armed" || own.facts.topic !== record.facts.topic) return null;
    return { clientId: before.clientId, remote: own.origin.remote, at: before.at };
  }

  /** A connection ended. `session` null: CONNECT was not accepted. */
  ended(connection: Connection, session: Session | null, end: Ended): void {
    const broker = this.#broker;
    const { clientId, peer, remote, allowedMs, keepAliveSeconds, incomplete } = connection;
    const { cause, armed, will } = end;
    const statement = spokenStatement(end.statement, connection.version);
    const record = recordOf(connection);
    const detail = end.detail ?? droppedDetail(connection) ?? unansweredDetail(broker, cause);
    const silentMs = connection.silentMs(broker.now);
    const further = furtherSilenceOf(broker, connection, cause);
    const wasConnected = session !== null;
    const refusedWill = record?.refusedWill ?? null;
    const username = cause === "refused" ? (record?.username ?? null) : null;
    const { isUntold } = end;
    const event = {
      event: "ended",
      peer,
      cause,
      detail,
      statement,
      silentMs,
      will,
      wasConnected,
      allowedMs,
      keepAliveSeconds,
      refusedWill,
    } as const;
    // Thousands may end at once, and most have no more to tell: no spread for them.
    const isPlain = further === null && !isUntold && incomplete === null && username === null;
    // Log the event first: the client's history may be dropped with its connection.
    broker.note(
      isPlain
        ? event
        : {
            ...event,
            ...further,
            ...partOf(connection),
            ...(isUntold && { isUntold }),
            ...(username !== null && { username }),
          },
    );
    this.ends[cause] += 1;
    if (cause === "keepAliveExpired" && allowedMs !== null) {
      this.keepAliveLateness.add(silentMs - allowedMs);
    }
    const { now: at } = broker;
    const causeText = ends[cause].text;
    const fate = will === null ? ("no will" as const) : will.fate;
    const recent = { at, clientId, remote, cause, causeText, detail, will: fate };
    this.clients.ended(recent, wasConnected);
    if (record !== null) {
      const expiry = session?.expiryIntervalSeconds ?? 0;
      const sessionExpirySeconds = expiry === Infinity ? null : expiry;
      const told = { at, cause, causeText, detail, silentMs, allowedMs, sessionExpirySeconds };
      const account = excerpt(further === null ? told : { ...told, ...further });
      const since = record.connectedAt ?? connection.openedAt;
      const stoodStillMs = broker.standstills.stoodStillMs(since, at);
      record.close(account, statement, stoodStillMs, broker.memory);
      if (record.will !== null) {
        record.will.end = account;
        record.will.changed();
      }
      if (wasConnected && clientId !== null) this.clients.gone(clientId);
    }
    // Habits are logged after the event that shows them.
    if (armed !== null && will !== null && will.fate !== "delayed") this.#fateNoted(armed, will);
  }

  /** The fate of a will was logged: reports its client's habits and drops what only they needed. */
  #fateNoted(will: Will, fate: WillFate): void {
    const record = willRecordOf(will);
    if (record === null) return;
    this.habits.settled(will, record, fate);
    // Only habits need it.
    if (record.own !== null) record.own.elsewhere = null;
  }
}

// Safe, because only this class sets `recordRef`.
function recordOf({ recordRef }: Connection): ConnectionRecord | null {
  return recordRef as ConnectionRecord | null;
}

function willRecordOf({ recordRef }: Will): WillRecord | null {
  return recordRef as WillRecord | null;
}
