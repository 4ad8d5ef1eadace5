import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { Deadline } from "./deadlines.ts";
import { after, type Millis } from "./io.ts";
import type { Session } from "./session.ts";
import type { Timed } from "./timed.ts";

/**
 * A pause in reading a publisher because a subscriber takes its messages more slowly than it sends
 * them (docs/decisions/0005-back-pressure.md). Only while acknowledged QoS 1 and 2 messages are
 * queued, which must not be lost; only for a subscriber that is connected and makes progress; never
 * longer than the publisher's keepalive allows.
 */
export interface Hold {
  readonly subscriber: Session;
  readonly since: Millis;
  readonly until: Millis;
  /** The subscriber's `progressCount` when the hold began. */
  readonly progressBefore: number;
}

/** Largest share of a keepalive for one hold, and for consecutive holds together. */
const shareOfOne = 1 / 4;
const shareOfAll = 1 / 2;
/** Milliseconds; a subscriber that makes progress less often on average gets no further holds. */
const msPerProgress = 2000;

/** The holds of one publishing connection. */
export class Holding {
  readonly deadline: Deadline<Timed>;
  current: Hold | null = null;
  /** Milliseconds of consecutive holds, and when the last of them ended. */
  heldMs = 0;
  endedAt = 0;

  constructor(connection: Connection) {
    this.deadline = new Deadline<Timed>({ kind: "hold", connection });
  }
}

/** The publishers held for one subscriber. */
export class HeldPublishers {
  readonly connections = new Set<Connection>();
  /** Publishers held in vain: not held again until the queue is short. */
  heldInVain: WeakSet<Connection> | null = null;
}

/**
 * Holds a publisher, if a hold can help, after its QoS 1 or 2 message crowded a subscriber's queue.
 */
export function holdPublisher(broker: Broker, publisher: Session, subscriber: Session): void {
  const { connection } = publisher;
  if (connection === null || !mayHold(broker, connection, subscriber)) return;
  const heldMs = longestHold(broker, connection);
  if (heldMs <= 0 || broker.now - subscriber.progressedAt >= heldMs) return;
  const until = after(broker.now, heldMs);
  const holding = (connection.holding ??= new Holding(connection));
  const progressBefore = subscriber.progressCount;
  holding.current = { subscriber, since: broker.now, until, progressBefore };
  broker.deadlines.set(holding.deadline, until);
  subscriber.heldPublishers ??= new HeldPublishers();
  subscriber.heldPublishers.connections.add(connection);
  broker.effects.push({ type: "hold", connection: connection.id });
}

function mayHold(broker: Broker, connection: Connection, subscriber: Session): boolean {
  const other = subscriber.connection;
  // A client held for itself would never be released: its acknowledgements follow its PUBLISHes.
  if (other === null || other === connection || broker.stopping) return false;
  // Then messages are refused, and what clears memory stands behind them.
  if (broker.memory.takes("refuseMessages")) return false;
  if (connection.isEnding || connection.holding?.current) return false;
  if (subscriber.heldPublishers?.heldInVain?.has(connection) === true) return false;
  // Nor would clients held for each other.
  const publisher = connection.session;
  for (let next = other.holding?.current ?? null; next !== null;) {
    if (next.subscriber === publisher) return false;
    next = next.subscriber.connection?.holding?.current ?? null;
  }
  return true;
}

/**
 * Milliseconds; 0 or less: no hold. The publisher's PINGREQ queues behind its PUBLISHes and has to
 * be answered before the client gives up, across all consecutive holds.
 */
function longestHold(broker: Broker, { keepAliveSeconds, holding }: Connection): number {
  const { holdTimeoutMs } = broker.limits;
  if (keepAliveSeconds === 0) return holdTimeoutMs;
  const keepAliveMs = keepAliveSeconds * 1000;
  const one = Math.min(holdTimeoutMs, keepAliveMs * shareOfOne);
  if (holding === null) return one;
  // The broker has since read for long enough that none of its input waits any more.
  if (broker.now - holding.endedAt >= one) holding.heldMs = 0;
  return Math.min(one, keepAliveMs * shareOfAll - holding.heldMs);
}

/**
 * Releases a publisher after the longest hold. If the subscriber made almost no progress, the
 * publisher is not held for it again: messages that do not fit into its queue are then dropped.
 */
export function holdTimedOut(broker: Broker, connection: Connection): void {
  const hold = connection.holding?.current ?? null;
  if (hold === null) return;
  const { subscriber, since, until, progressBefore } = hold;
  const isInVain = subscriber.progressCount - progressBefore < (until - since) / msPerProgress;
  const { heldPublishers } = subscriber;
  if (heldPublishers !== null && isInVain)
    (heldPublishers.heldInVain ??= new WeakSet()).add(connection);
  release(broker, connection);
}

/** The client will send nothing more: releases it, so that the driver reads the rest. */
export function releaseForEnd(broker: Broker, connection: Connection): void {
  connection.isEnding = true;
  if (connection.holding?.current) release(broker, connection);
}

/** Releases a subscriber's publishers once its queue is short. */
export function releaseIfRoomy(broker: Broker, session: Session): void {
  const { heldPublishers, queue } = session;
  if (heldPublishers === null || !queue.isRoomy) return;
  if (queue.count === 0 || !broker.memory.takes("hold")) releaseAll(broker, session);
}

/** The client took some of its backlog, so it is slow, not stalled. */
export function noteProgress(broker: Broker, session: Session, times = 1): void {
  session.progressedAt = broker.now;
  session.progressCount += times;
}

/** Releases all publishers held for a session. */
export function releaseAll(broker: Broker, session: Session): void {
  const { heldPublishers } = session;
  session.heldPublishers = null;
  for (const connection of heldPublishers?.connections ?? []) release(broker, connection);
}

function release(broker: Broker, connection: Connection): void {
  stopHolding(broker, connection);
  broker.effects.push({ type: "release", connection: connection.id });
}

/** Ends the current hold of a connection that is released or ends. */
export function stopHolding(broker: Broker, connection: Connection): void {
  const { holding } = connection;
  const current = holding?.current ?? null;
  if (holding === null || current === null) return;
  holding.current = null;
  holding.heldMs += broker.now - current.since;
  holding.endedAt = broker.now;
  broker.deadlines.clear(holding.deadline);
  current.subscriber.heldPublishers?.connections.delete(connection);
}
