import { assert } from "./assert.ts";
import { rightsOf, unitsOfCheck } from "./access-lists.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { FilterLimit } from "./events.ts";
import { pump } from "./forward.ts";
import { costs, textBytes } from "./memory.ts";
import type { SubscribePacket, SubscriptionRequest, UnsubscribePacket } from "./packet.ts";
import { Reason } from "./reason.ts";
import { sendsRetained } from "./retain.ts";
import { lesserQos, type Session } from "./session.ts";
import { failureFor, reasonOf } from "./failed-store.ts";
import { isWild, type Subscription } from "./subscriptions.ts";
import { sharedFilter, tooDeep, tooLong } from "./topic.ts";

/** Work of subscribing one filter and its log line, and of unsubscribing one. */
const unitsOfSubscribe = 5;
const unitsOfUnsubscribe = 3;
/** Work of a step in the search of an access list for a topic that may be read. */
const unitsOfSearch = 0.5;

/** A SUBSCRIBE or UNSUBSCRIBE whose filters are handled one after the other, perhaps in pieces. */
export interface FilterRun {
  readonly packet: SubscribePacket | UnsubscribePacket;
  /** Answers of the filters handled so far. */
  readonly reasons: number[];
  /** Limits that refused a filter, which is logged once for each. */
  readonly reached: Set<FilterLimit>;
  /** Of memory, while it is cut. */
  bytes: number;
}

/**
 * Answers SUBSCRIBE by one SUBACK, with a code for each filter, in their order [v4-2.3.1-7]
 * [v4-3.8.4-1] [v4-3.8.4-2] [v4-3.8.4-4] [v4-3.8.4-5] [v4-3.9.3-1] [v5-2.2.1-6] [v5-3.8.4-1]
 * [v5-3.8.4-2] [v5-3.8.4-5] to -7 [v5-3.9.3-1]. Each is logged; of those that one limit refuses the
 * first.
 */
export function subscribeReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: SubscribePacket,
): void {
  goOn(broker, connection, session, newRun(packet));
}

/** Handles more filters of a packet that was cut. */
export function continueFilters(broker: Broker, connection: Connection): void {
  const { cut, session } = connection;
  assert(cut !== null && session !== null, "a packet that is continued was cut");
  goOn(broker, connection, session, cut);
}

/** A connection whose packet was cut ends: the packet is not answered. */
export function forgetCut({ memory }: Broker, connection: Connection): void {
  memory.unfinished.give(connection.cut?.bytes ?? 0);
  connection.cut = null;
}

function newRun(packet: FilterRun["packet"]): FilterRun {
  return { packet, reasons: [], reached: new Set(), bytes: 0 };
}

/** Handles filters within the budget, and at least one. Answers after the last one. */
function goOn(broker: Broker, connection: Connection, session: Session, run: FilterRun): void {
  const { packet } = run;
  const isOver =
    packet.type === "subscribe"
      ? subscribeSome(broker, connection, session, packet, run)
      : unsubscribeSome(broker, connection, session, packet, run);
  if (!isOver) {
    if (connection.cut === null) {
      run.bytes = bytesOf(packet);
      broker.memory.unfinished.take(run.bytes);
      connection.cut = run;
    }
    broker.effects.push({ type: "cut", connection: connection.id });
    return;
  }
  if (connection.cut !== null) {
    forgetCut(broker, connection);
    // The answer promises what earlier turns have changed.
    session.journal?.changed();
  }
  const { packetId } = packet;
  if (packet.type === "unsubscribe") {
    broker.send(connection, { type: "unsuback", packetId, reasons: run.reasons });
  } else {
    // Each filter takes time from the shared event loop.
    const reasons = withRefused(run.reasons, packet.undecoded);
    broker.send(connection, { type: "suback", packetId, reasons });
  }
  pump(broker, session);
}

/** Memory of the filters of a packet that waits. */
function bytesOf(packet: FilterRun["packet"]): number {
  let bytes = 0;
  if (packet.type === "unsubscribe")
    for (const filter of packet.filters) bytes += textBytes(filter);
  else for (const { filter } of packet.subscriptions) bytes += requestBytes + textBytes(filter);
  return bytes;
}

/** Bytes of memory of a decoded filter with its options, without its text. */
const requestBytes = 70;

/** Returns whether all filters are handled. */
function subscribeSome(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: SubscribePacket,
  { reasons, reached }: FilterRun,
): boolean {
  const { peer, version } = connection;
  const { budget, limits } = broker;
  const { subscriptions, subscriptionIdentifier } = packet;
  while (reasons.length < subscriptions.length) {
    // The limit may have changed since the reader decoded the filters.
    if (reasons.length >= limits.filters) {
      reasons.push(Reason.quotaExceeded);
      continue;
    }
    const request = subscriptions[reasons.length]!;
    const { filter } = request;
    const answer = subscribe(broker, connection, session, request, subscriptionIdentifier);
    const isLogged = answer.limit !== undefined && reached.has(answer.limit);
    if (!isLogged) broker.note({ event: "subscribed", peer, version, filter, ...answer });
    if (answer.limit !== undefined) reached.add(answer.limit);
    reasons.push(answer.reason);
    budget.spent += unitsOfSubscribe;
    if (budget.isUsedUp && reasons.length < subscriptions.length) return false;
  }
  return true;
}

/** The answers with those to filters that are refused unseen: hundreds of thousands, perhaps. */
function withRefused(
  reasons: readonly number[],
  undecoded: number,
): readonly number[] | Uint8Array {
  if (undecoded === 0) return reasons;
  const all = new Uint8Array(reasons.length + undecoded).fill(Reason.quotaExceeded);
  all.set(reasons);
  return all;
}

interface Answer {
  /** The granted QoS, or the reason code of a refusal. */
  readonly reason: number;
  /** The limit that refuses it; absent: none does. */
  readonly limit?: FilterLimit;
  /** What in the access list refuses it; absent: nothing does. */
  readonly by?: string;
}

/** Why a client may read none of the topics that a filter matches; null: it may read some. */
function denialOf(
  broker: Broker,
  session: Session,
  pattern: string,
  mountPoint: string,
): string | null {
  const rights = rightsOf(broker, session);
  if (rights.isOpen) return null;
  const { allowed, steps } = rights.maySubscribe(pattern, mountPoint.length);
  broker.budget.spent += unitsOfCheck + steps * unitsOfSearch;
  if (allowed) return null;
  // It searches once more.
  broker.budget.spent += steps * unitsOfSearch;
  return rights.verdict("subscribe", pattern, mountPoint.length).by;
}

/**
 * Subscribes one filter, perhaps with a lower QoS than requested [v5-3.2.2-10], or refuses it
 * (v5-3.9.3).
 */
function subscribe(
  broker: Broker,
  connection: Connection,
  session: Session,
  request: SubscriptionRequest,
  identifier: number | null,
): Answer {
  const { filter } = request;
  const { limits } = broker;
  const shared = sharedFilter(filter);
  const { mountPoint } = connection.listener;
  const pattern = mountPoint + (shared?.filter ?? filter);
  if (tooLong(pattern)) return { reason: Reason.topicFilterInvalid };
  if (tooDeep(pattern, limits.topicLevels)) {
    return { reason: Reason.topicFilterInvalid, limit: "topicLevels" };
  }
  const denied = denialOf(broker, session, pattern, mountPoint);
  // 3.1 has no code for it, so it is granted, and delivery decides.
  if (denied !== null && connection.version !== 3) {
    return { reason: Reason.notAuthorized, by: denied };
  }
  const failure = failureFor(broker, session);
  if (failure !== null) return { reason: reasonOf(failure) };
  const before = session.subscriptions.get(filter);
  if (before === undefined && session.subscriptions.size >= limits.subscriptions) {
    return { reason: Reason.quotaExceeded, limit: "subscriptions" };
  }
  if (!broker.subscriptions.hasRoomFor(pattern, mountPoint.length, limits.filterShapes)) {
    return { reason: Reason.quotaExceeded, limit: "filterShapes" };
  }
  if (before === undefined && !hasMemoryFor(broker, session, subscriptionBytes(pattern))) {
    return { reason: Reason.quotaExceeded, limit: "memory" };
  }
  const subscription: Subscription = {
    session,
    filter,
    pattern,
    mountLength: mountPoint.length,
    group: shared?.group ?? null,
    qos: lesserQos(request.qos, limits.qos),
    // A shared subscription can't have No Local [v5-3.8.3-4].
    noLocal: request.noLocal || (connection.bridge && shared === null),
    retainAsPublished: request.retainAsPublished || connection.bridge,
    identifier: identifier ?? 0,
  };
  // A session resumed on another listener can have the filter under another mount point.
  if (before !== undefined && before.pattern !== pattern) broker.subscriptions.remove(before);
  broker.subscriptions.add(subscription);
  if (before === undefined) session.subscriptionBytes += subscriptionBytes(filter);
  session.addSubscription(subscription);
  broker.generation += 1;
  replay(broker, session, subscription, request, before !== undefined);
  return { reason: subscription.qos };
}

/** Memory of a subscription whose filter no other session has; bytes. */
export function subscriptionBytes(filter: string): number {
  return costs.subscription + 2 * textBytes(filter);
}

/**
 * Whether memory is left for one more subscription. A session's first few are not refused with
 * those of others: a client that connects again has to get its own back.
 */
function hasMemoryFor({ memory }: Broker, session: Session, bytes: number): boolean {
  const isFew = session.subscriptionBytes + bytes <= fewSubscriptions;
  return isFew ? memory.hasRoom(bytes) : memory.hasRoomBefore("refuseNew", bytes);
}

/** Bytes. */
const fewSubscriptions = 16 * 1024;

/**
 * Starts a retained replay [v4-3.3.1-6] [v4-3.8.4-3] [v5-3.8.4-4] [v5-3.3.1-9] to -11; none for a
 * shared subscription.
 */
function replay(
  broker: Broker,
  session: Session,
  subscription: Subscription,
  request: SubscriptionRequest,
  existed: boolean,
): void {
  const { filter } = subscription;
  const wanted =
    subscription.group === null &&
    request.retainHandling !== 2 &&
    !(request.retainHandling === 1 && existed);
  if (!wanted) {
    // The rest of an earlier SUBSCRIBE's replay is sent with the options of this one.
    const owed = session.replays.get(filter);
    if (owed !== undefined) session.setReplay(filter, { ...owed, subscription });
    return;
  }
  session.endReplay(filter);
  const { retained } = broker;
  const { pattern, mountLength } = subscription;
  if (!sendsRetained(broker, pattern)) return;
  // Mostly nothing is retained there, and then no step has to be taken to find that out.
  if (isWild(pattern) ? retained.count === 0 : !retained.has(pattern)) return;
  const messages = retained.match(pattern, () => broker.now, mountLength);
  session.setReplay(filter, { messages, subscription, before: session.queue.end });
}

/**
 * Deletes the subscriptions whose filters are equal [v4-3.10.4-1] [v4-3.10.4-2] [v5-3.10.4-1]
 * [v5-3.10.4-2], and answers by one UNSUBACK [v4-3.10.4-4] to -6 [v5-3.10.4-4] to -6 [v5-3.11.3-1].
 * What is in flight stays [v4-3.10.4-3] [v5-3.10.4-3].
 */
export function unsubscribeReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: UnsubscribePacket,
): void {
  goOn(broker, connection, session, newRun(packet));
}

/** Returns whether all filters are handled. */
function unsubscribeSome(
  broker: Broker,
  { peer }: Connection,
  session: Session,
  { filters }: UnsubscribePacket,
  { reasons }: FilterRun,
): boolean {
  const { budget } = broker;
  while (reasons.length < filters.length) {
    const filter = filters[reasons.length]!;
    const isRemoved = unsubscribe(broker, session, filter);
    if (isRemoved) broker.note({ event: "unsubscribed", peer, filter });
    reasons.push(isRemoved ? Reason.success : Reason.noSubscriptionExisted);
    budget.spent += unitsOfUnsubscribe;
    if (budget.isUsedUp && reasons.length < filters.length) return false;
  }
  return true;
}

/** False: the session has no subscription with that filter. */
function unsubscribe(broker: Broker, session: Session, filter: string): boolean {
  const subscription = session.subscriptions.get(filter);
  if (subscription === undefined) return false;
  broker.subscriptions.remove(subscription);
  session.removeSubscription(filter);
  session.subscriptionBytes -= subscriptionBytes(filter);
  session.endReplay(filter);
  broker.generation += 1;
  return true;
}
