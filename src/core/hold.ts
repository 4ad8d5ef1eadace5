import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { Deadline } from "./deadlines.ts";
import { after, type Millis } from "./io.ts";
import type { Session } from "./session.ts";
import type { Timed } from "./timed.ts";

/**
 * A publisher that is not read for a while, since one who is to get its messages takes them slower than
 * it sends them (docs/decisions/0005-back-pressure.md). Only where messages of QoS 1 and 2 wait, which
 * were acknowledged and must not be lost; only for a subscriber that is connected and takes what it
 * gets; never longer than the publisher's own keepalive bears.
 */
export interface Hold {
  readonly subscriber: Session;
  readonly since: Millis;
  readonly until: Millis;
  /** How often the subscriber had taken something before. */
  readonly progressBefore: number;
}

/** Of a keepalive, the longest time of one hold, and of holds that follow each other. */
const shareOfOne = 1 / 4;
const shareOfAll = 1 / 2;
/** Milliseconds in which a subscriber has to take something, on average, for others to wait for it again. */
const msPerProgress = 2000;

/** What a connection has been held for, of which nothing is remembered for those that never were. */
export class Holding {
  readonly deadline: Deadline<Timed>;
  current: Hold | null = null;
  /** Milliseconds of holds that followed each other, and when the last of these ended. */
  heldMs = 0;
  endedAt = 0;

  constructor(connection: Connection) {
    this.deadline = new Deadline<Timed>({ kind: "hold", connection });
  }
}

/** A subscriber for which others are held. */
export class HeldPublishers {
  readonly connections = new Set<Connection>();
  /** Those that were held in vain; they are not again before the queue is short. */
  heldInVain: WeakSet<Connection> | null = null;
}

/** A message of QoS 1 or 2 was put into the queue of a connected subscriber: who published it may have to wait. */
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
  // Whoever waits for itself waits for ever: its acknowledgements come behind what it publishes.
  if (other === null || other === connection || broker.stopping) return false;
  if (connection.isEnding || connection.holding?.current) return false;
  if (subscriber.heldPublishers?.heldInVain?.has(connection) === true) return false;
  // And so do those who wait for each other.
  const publisher = connection.session;
  for (let next = other.holding?.current ?? null; next !== null;) {
    if (next.subscriber === publisher) return false;
    next = next.subscriber.connection?.holding?.current ?? null;
  }
  return true;
}

/**
 * Milliseconds. A PINGREQ of the publisher stands behind what it has published: it has to be answered
 * before the client gives up, however many holds follow each other.
 */
function longestHold(broker: Broker, { keepAliveSeconds, holding }: Connection): number {
  const { holdTimeoutMs } = broker.limits;
  if (keepAliveSeconds === 0) return holdTimeoutMs;
  const keepAliveMs = keepAliveSeconds * 1000;
  const one = Math.min(holdTimeoutMs, keepAliveMs * shareOfOne);
  if (holding === null) return one;
  // It was read for long enough since that nothing of what it sent waits any more.
  if (broker.now - holding.endedAt >= one) holding.heldMs = 0;
  return Math.min(one, keepAliveMs * shareOfAll - holding.heldMs);
}

/**
 * The longest time has passed. If the subscriber took next to nothing in it, it is not waited for again: what
 * does not fit into its queue is dropped from now on.
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

/** The client has said that it will send nothing more: what it sent is read now, whoever waits. */
export function releaseForEnd(broker: Broker, connection: Connection): void {
  connection.isEnding = true;
  if (connection.holding?.current) release(broker, connection);
}

/** A queue has become shorter. */
export function releaseIfRoomy(broker: Broker, session: Session): void {
  const { heldPublishers, queue } = session;
  if (heldPublishers !== null && queue.isRoomy) releaseAll(broker, session);
}

/** It has taken something of what waits for it: it is slow, and has not stopped. */
export function noteProgress(broker: Broker, session: Session): void {
  session.progressedAt = broker.now;
  session.progressCount += 1;
}

/** The subscriber is away, or its session has ended: nobody waits for it. */
export function releaseAll(broker: Broker, session: Session): void {
  const { heldPublishers } = session;
  session.heldPublishers = null;
  for (const connection of heldPublishers?.connections ?? []) release(broker, connection);
}

function release(broker: Broker, connection: Connection): void {
  stopHolding(broker, connection);
  broker.effects.push({ type: "release", connection: connection.id });
}

/** Its connection ends, or it goes on. */
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
