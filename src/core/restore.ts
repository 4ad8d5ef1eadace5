import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import type { Copy } from "./copy.ts";
import { Deadline } from "./deadlines.ts";
import {
  signOfLifeMs,
  type DurableOutgoing,
  type DurableQueued,
  type DurableSubscription,
  type DurableWill,
  type StoredPart,
  type StoredSession,
} from "./durable.ts";
import { after, never, type Input, type Millis } from "./io.ts";
import type { Journal } from "./journal.ts";
import type { WillPacket } from "./packet.ts";
import { allowedSilenceMs } from "./quirks/rules.ts";
import { scheduleExpiry } from "./retain.ts";
import { Session } from "./session.ts";
import { endSession } from "./session-end.ts";
import { awaitEnd, waitUntilSettled } from "./settling.ts";
import { subscriptionBytes } from "./subscribe.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";
import { sharedFilter } from "./topic.ts";
import { Will, willDelay } from "./will.ts";

/**
 * The due time of a will, or of the session's end, before which it waits for the listeners:
 * milliseconds from its restoring.
 */
const nearMs = 60_000;

/** What is restored of a broker that stopped or died, until clients can connect again. */
export class Restoration {
  readonly counts = { sessions: 0, subscriptions: 0, messages: 0, retained: 0, wills: 0 };
  /** When the broker died that was connected to clients; null: it had none. */
  diedAt: Millis | null = null;
  /** All parts were handed in. */
  isComplete = false;
  /** Wills that were due before that, and wait. */
  dueWills = 0;
  /** Sessions whose wills may be due before that. */
  readonly near: Session[] = [];
  /** When its first part came: all parts tell of one death. */
  readonly beganAt: Millis;

  constructor(beganAt: Millis) {
    this.beganAt = beganAt;
  }
}

/** Takes a part of what a store has kept. Connections that were open have ended since. */
export function restore(broker: Broker, input: Input & { type: "loaded" }): void {
  const { journal, now } = broker;
  assert(journal !== null, "what a store has kept is restored with a journal");
  const restoration = (broker.restoration ??= new Restoration(now));
  const { part, heartbeatAt, isBehind } = input;
  const { beganAt } = restoration;
  const diedAt =
    heartbeatAt === null ? beganAt : earlier(after(heartbeatAt, signOfLifeMs), beganAt);
  journal.adopt(part.messages);
  broker.records.loaded(part, diedAt);
  for (const stored of part.sessions) {
    restoreSession(broker, restoration, stored, diedAt, isBehind);
  }
  restoreRetained(broker, journal, restoration, part);
  broker.generation += 1;
}

function earlier(a: Millis, b: Millis): Millis {
  return a < b ? a : b;
}

function restoreRetained(
  broker: Broker,
  journal: Journal,
  { counts }: Restoration,
  { retained }: StoredPart,
): void {
  for (const { topic, message: number } of retained) {
    // What was published since is newer.
    const message = broker.retained.has(topic) ? null : journal.adoptRetained(topic, number);
    if (message !== null) {
      broker.retained.restore(message);
      counts.retained += 1;
    }
  }
  scheduleExpiry(broker);
}

function restoreSession(
  broker: Broker,
  restoration: Restoration,
  stored: StoredSession,
  diedAt: Millis,
  isBehind: boolean,
): void {
  const { journal } = broker;
  assert(journal !== null, "checked by the caller");
  const record = stored.session;
  const before = broker.sessions.get(record.clientId);
  if (before !== undefined) {
    const isOlder = before.connection === null && (before.journal?.isOlderThan(record) ?? false);
    if (!isOlder) return journal.forget(record.session);
    endSession(broker, before, "replaced");
  }
  journal.isAdopting = true;
  const session = new Session(record.clientId, broker.sessionsShare, record.createdAt);
  broker.sessions.set(session.clientId, session);
  session.restore(record);
  session.journal?.adopt(record.session);
  for (const one of stored.subscriptions) restoreSubscription(broker, session, one);
  const messages = restoreMessages(session, journal, stored);
  for (const { filter, owesRetained } of stored.subscriptions) {
    if (owesRetained) owe(broker, session, filter);
  }
  for (const { packetId } of stored.incoming) {
    session.addIncoming(packetId);
    session.journal?.adoptIncoming(packetId);
  }
  if (stored.will !== null) restoreWill(broker, session, stored.will);
  journal.isAdopting = false;
  const { counts } = restoration;
  counts.sessions += 1;
  counts.subscriptions += stored.subscriptions.length;
  counts.messages += messages;
  if (record.ended === null) {
    restoration.diedAt = diedAt;
    session.leave("brokerRestarted", diedAt);
  }
  const { will } = session;
  if (will !== null) {
    counts.wills += 1;
    if (will.state === "armed") startDelay(session, will);
  }
  broker.records.restored(session, allowedSilenceMs(broker.rules, record.keepAliveSeconds));
  // Its client may have returned (`late-resume.ts`): then it was there until the broker died.
  if (isBehind && record.ended !== null && will === null) session.leave("brokerRestarted", diedAt);
  if (will !== null && dueOf(session) <= after(broker.now, nearMs)) {
    return void restoration.near.push(session);
  }
  goOn(broker, session);
}

/** Its connection was open: its will is delayed from now on. */
function startDelay(session: Session, will: Will): void {
  const { ended, expiryIntervalSeconds } = session;
  assert(ended !== null, "a restored session has no connection");
  will.ended = ended;
  will.originalDue = after(ended.at, willDelay(will.packet, expiryIntervalSeconds) * 1000);
  will.become("delayed");
}

function restoreSubscription(broker: Broker, session: Session, stored: DurableSubscription): void {
  const { filter } = stored;
  const subscription = subscriptionOf(session, stored);
  broker.subscriptions.add(subscription);
  session.addSubscription(subscription);
  session.subscriptionBytes += subscriptionBytes(filter);
  session.journal?.adoptSubscription(filter);
}

function subscriptionOf(
  session: Session,
  stored: Omit<DurableSubscription, "session" | "owesRetained">,
): Subscription {
  const { filter, mountPoint, qos, noLocal, retainAsPublished, identifier } = stored;
  const shared = sharedFilter(filter);
  return {
    ...{ session, filter, pattern: mountPoint + (shared?.filter ?? filter) },
    ...{ mountLength: mountPoint.length, group: shared?.group ?? null },
    ...{ qos, noLocal, retainAsPublished, identifier },
  };
}

/** Returns how many there are. */
function restoreMessages(session: Session, journal: Journal, stored: StoredSession): number {
  let messages = 0;
  const { queued, outgoing } = stored;
  for (const record of queued.toSorted((a, b) => a.place - b.place)) {
    const kept = journal.adopted(record.message);
    if (kept === null) continue;
    session.restoreQueued({ message: kept.message, copy: copyOf(session, record) }, record.place);
    session.journal?.adoptQueued(record.place, kept);
    messages += 1;
  }
  for (const record of outgoing.toSorted((a, b) => a.order - b.order)) {
    const kept = journal.adopted(record.message);
    if (kept === null) continue;
    session.restoreOutgoing({ ...record, message: kept.message, copy: copyOf(session, record) });
    session.journal?.adoptOutgoing(record.packetId, kept);
    messages += 1;
  }
  return messages;
}

function copyOf(session: Session, record: DurableQueued | DurableOutgoing): Copy {
  const { qos, retain, identifiers, shared } = record;
  if (identifiers === null && shared === null) return plainCopy(qos, retain);
  return { qos, retain, identifiers, shared: shared === null ? null : sharedBy(session, shared) };
}

function plainCopy(qos: 1 | 2, retain: boolean): Copy {
  if (qos === 1) return retain ? retainedQos1 : plainQos1;
  return retain ? retainedQos2 : plainQos2;
}

// Most copies, which share them.
const ordinary = { identifiers: null, shared: null };
const plainQos1: Copy = { qos: 1, retain: false, ...ordinary };
const plainQos2: Copy = { qos: 2, retain: false, ...ordinary };
const retainedQos1: Copy = { qos: 1, retain: true, ...ordinary };
const retainedQos2: Copy = { qos: 2, retain: true, ...ordinary };

/** The shared subscription that brought a message. It may have ended since; its group goes on. */
function sharedBy(session: Session, filter: string): Subscription {
  const now = session.subscriptions.get(filter);
  if (now !== undefined) return now;
  const [other] = session.subscriptions.values();
  const mountPoint = other === undefined ? "" : other.pattern.slice(0, other.mountLength);
  const options = { qos: 0, noLocal: false, retainAsPublished: false, identifier: 0 } as const;
  return subscriptionOf(session, { filter, mountPoint, ...options });
}

/** The retained messages of a subscription begin anew, behind all that is queued. */
function owe(broker: Broker, session: Session, filter: string): void {
  const subscription = session.subscriptions.get(filter);
  assert(subscription !== undefined, "just restored");
  const { pattern, mountLength } = subscription;
  const messages = broker.retained.match(pattern, () => broker.now, mountLength);
  session.setReplay(filter, { messages, subscription, before: session.queue.end });
}

function restoreWill({ memory }: Broker, session: Session, stored: DurableWill): void {
  const { topic, payload, qos, retain, delayIntervalSeconds, expirySeconds, properties } = stored;
  const packet: WillPacket = {
    ...{ topic, payload, qos, retain, delayIntervalSeconds, expirySeconds, properties },
  };
  const will = new Will(session, packet, stored.mountPoint + topic, stored.armedAt);
  will.isRestored = true;
  will.ended = stored.ended;
  will.originalDue = stored.dueAt;
  session.arm(will);
  session.journal?.adoptWill();
  memory.wills.take(will.held);
  if (will.ended !== null) will.become("delayed");
}

/**
 * Everything that is kept was handed in: what nothing refers to, and nobody asks for, goes. Wills that
 * are due before their clients had time to return wait, in due order.
 */
export function endRestoring(broker: Broker): void {
  const { restoration, journal, now } = broker;
  if (restoration === null || journal === null || restoration.isComplete) return;
  restoration.isComplete = true;
  journal.endAdoption();
  broker.records.loadedAll();
  // Once clients can connect it is a little later.
  broker.settledAt = after(now, waitMs(broker));
  const before = restoration.near
    .splice(0)
    .filter((session) => broker.sessions.get(session.clientId) === session)
    .filter(({ connection, deadline }) => connection === null && deadline?.isSet !== true)
    .toSorted((a, b) => dueOf(a) - dueOf(b));
  for (const session of before) if (goOn(broker, session)) restoration.dueWills += 1;
}

/** Clients can connect again. */
export function openAgain(broker: Broker): void {
  const { restoration, now } = broker;
  if (restoration === null) return;
  endRestoring(broker);
  broker.restoration = null;
  broker.settledAt = after(now, waitMs(broker));
  broker.pressure.isOverfull = !broker.memory.hasRoom(0);
  const { diedAt, counts, dueWills } = restoration;
  const diedMsAgo = diedAt === null ? null : now - diedAt;
  const isUnsent = counts.retained > 0 && !broker.limits.retain;
  const unsent = isUnsent ? { retainUnavailable: true as const } : {};
  broker.note({
    ...{ event: "restored", ...counts, ...unsent },
    ...{ dueWills, waitMs: waitMs(broker), diedMsAgo },
  });
}

/** When the will of a restored session is due; the session's end, if it has none. */
function dueOf({ will, ended, expiryIntervalSeconds }: Session): number {
  const endsAt = (ended?.at ?? 0) + expiryIntervalSeconds * 1000;
  return Math.min(endsAt, will?.originalDue ?? Infinity);
}

/** Milliseconds that a will which is due at the start waits. */
function waitMs({ restartSettleMs, restartGraceMs }: Broker): number {
  return Math.max(restartSettleMs, restartGraceMs);
}

/** The session is without connection: its expiry runs, and its will is delayed. True: it is due. */
function goOn(broker: Broker, session: Session): boolean {
  const { ended, will, expiryIntervalSeconds } = session;
  assert(ended !== null, "a restored session has no connection");
  const endsAt = after(ended.at, expiryIntervalSeconds * 1000);
  const isOver = endsAt <= broker.now;
  const isDue = will !== null && delay(broker, will);
  if (will !== null && isOver) {
    awaitEnd(broker, session, will);
    return isDue;
  }
  broker.pressure.noteOffline(session);
  if (endsAt === never) return isDue;
  session.deadline ??= new Deadline<Timed>({ kind: "session", session });
  broker.deadlines.set(session.deadline, endsAt);
  return isDue;
}

/** Sets when a will is published. True: it was due before. */
function delay(broker: Broker, will: Will): boolean {
  const { originalDue: due } = will;
  assert(due !== null, "a restored will has a due time");
  if (due <= broker.now) {
    waitUntilSettled(broker, will, due);
    return true;
  }
  will.originalDue = null;
  broker.deadlines.set(will.deadline, due);
  return false;
}
