import { mayRead, noteDenied } from "./access-lists.ts";
import { assert, unreachable } from "./assert.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Copy } from "./copy.ts";
import { Deadline } from "./deadlines.ts";
import type { ReachLoss } from "./events.ts";
import { decide, hasBacklog, isVisibleTo, roomFor, takesOutput, type Loss } from "./decision.ts";
import { releaseIfRoomy } from "./hold.ts";
import { after, type Delivery } from "./io.ts";
import { aliasBytes } from "./packet-size.ts";
import type { Frame, Message } from "./packet.ts";
import type { Queued } from "./queue.ts";
import { sendsRetained } from "./retain.ts";
import { lesserQos, type Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";

/** The budget of one turn for one session's queue and replays; the rest waits for the next turn. */
const messagesAtOnce = 200;
const bytesAtOnce = 256 * 1024;
/** Steps through the retained messages for each message of that budget. */
const stepsAtOnce = 50;

/** Work of writing one copy of a message, and of deciding on one. */
const unitsOfCopy = 0.1;
const unitsOfOffer = 0.3;
/** Work of taking one message from a queue or a replay. */
const unitsOfPumped = 1;
const unitsOfLater = 3;

/** Sessions named in the outcome of a will that lost it. */
const lossesNamed = 10;

/** Where the copies of one message went. */
export interface Outcome {
  delivered: number;
  queued: number;
  dropped: number;
  away: number;
  /** The first sessions that lost it, of a will; null: not asked for. */
  readonly losses: ReachLoss[] | null;
  readonly copies: Delivery[];
  /** Of each copy, 0 with QoS 0. */
  readonly packetIds: number[];
  /** A session whose queue is crowded after this message; null: none. */
  crowded: Session | null;
  /** The message was just stored as its topic's retained message, so none on the topic is newer. */
  readonly isRetained: boolean;
}

export function newOutcome(isRetained: boolean, losses: ReachLoss[] | null = null): Outcome {
  // No spread: it would cost each PUBLISH a tenth of a microsecond.
  return {
    delivered: 0,
    queued: 0,
    dropped: 0,
    away: 0,
    losses,
    copies: [],
    packetIds: [],
    crowded: null,
    isRetained,
  };
}

function lose(outcome: Outcome, { clientId, connection }: Session, why: Loss): void {
  outcome.dropped += 1;
  const { losses } = outcome;
  if (losses === null || losses.length >= lossesNamed) return;
  const maximumPacketSize = connection?.maximumPacketSize ?? Infinity;
  const size = why === "packet too large" ? { maximumPacketSize } : {};
  losses.push({ clientId, why, ...size });
}

/** Sends, queues or drops one message for one session, as `decide` answers. */
export function offer(
  broker: Broker,
  session: Session,
  message: Message,
  copy: Copy,
  outcome: Outcome,
): void {
  broker.budget.spent += unitsOfOffer;
  const decision = decide(broker, session, message, copy, outcome.isRetained);
  if (decision === "sent") {
    assert(session.connection !== null, "a message is sent on a connection");
    outcome.copies.push(deliveryOf(broker, session.connection, message, copy));
    outcome.packetIds.push(enterWindow(session, session.connection, message, copy));
    outcome.delivered += 1;
    return;
  }
  switch (decision) {
    case "queued":
    case "queue full":
      return enqueue(broker, session, message, copy, outcome);
    case "not visible":
      return;
    case "away":
      // Not a loss: QoS 0 is not queued for an offline session.
      outcome.away += 1;
      return;
    case "blocked":
    case "packet too large":
    case "memory full":
      lose(outcome, session, decision);
      return drop(broker, session, decision, message.topic, 1);
    default:
      return unreachable(decision);
  }
}

/** Queues a copy for a session that is away, or can't take it now [v4-3.1.2-5]. */
function enqueue(
  broker: Broker,
  session: Session,
  message: Message,
  copy: Copy,
  outcome: Outcome,
): void {
  if (session.queue.count === 0) session.progressedAt = broker.now;
  const { stored, evicted } = session.enqueue({ message, copy });
  if (stored) outcome.queued += 1;
  else lose(outcome, session, "queue full");
  if (session.connection === null) broker.pressure.idle.delete(session);
  if (copy.qos > 0 && (session.queue.isCrowded || broker.memory.takes("hold"))) {
    // An offline session can't have a publisher held.
    if (outcome.crowded === null || session.connection !== null) outcome.crowded = session;
  }
  // Evicted messages count as dropped, but not in this message's outcome.
  const lost = evicted + (stored ? 0 : 1);
  if (lost > 0) drop(broker, session, "queue full", message.topic, lost);
}

/**
 * QoS 1 and 2 enter the client's window. Returns the packet id; 0: none, with QoS 0 [v4-2.3.1-5]
 * [v5-2.2.1-2].
 */
function enterWindow(
  session: Session,
  { strip, isResumable }: Connection,
  message: Message,
  copy: Copy,
): number {
  if (copy.qos === 0) return 0;
  // Only a resumed session sends it again, and only what was shared goes to another member.
  const isKept = isResumable || copy.shared !== null;
  return session.addOutgoing(isKept ? message : null, copy, strip).packetId;
}

function deliveryOf(
  broker: Broker,
  connection: Connection,
  message: Message,
  copy: Copy,
): Delivery {
  if (connection.aliasesOutMax === 0 || roomFor(connection, message, copy) < aliasBytes)
    return plainDelivery(connection, copy);
  const alias = aliasFor(broker, connection, message.topic);
  if (alias === 0) return plainDelivery(connection, copy);
  return newDelivery(connection, copy, Math.abs(alias), alias < 0);
}

/** A delivery without alias. */
export function plainDelivery(connection: Connection, copy: Copy): Delivery {
  const last = connection.lastDelivery;
  if (
    last !== null &&
    last.qos === copy.qos &&
    last.retain === copy.retain &&
    last.subscriptionIdentifiers === copy.identifiers
  ) {
    return last;
  }
  return (connection.lastDelivery = newDelivery(connection, copy, 0, false));
}

/**
 * DUP is 0 unless the copy is sent again, whatever the publisher's is [v4-3.3.1-3] [v4-4.3.1-1]
 * [v5-3.3.1-3] [v5-4.3.1-1] [v5-4.3.2-2] [v5-4.3.3-2].
 */
function newDelivery(
  { id, version, strip }: Connection,
  { qos, retain, identifiers }: Copy,
  alias: number,
  aliasKnown: boolean,
): Delivery {
  return {
    connection: id,
    version,
    qos,
    retain,
    dup: false,
    strip,
    subscriptionIdentifiers: identifiers,
    alias,
    aliasKnown,
    plain: strip === 0 && identifiers === null && alias === 0,
  };
}

/**
 * A topic's alias on this connection. Positive: new; negative: known to the client; 0: none
 * [v5-3.1.2-26] [v5-3.1.2-27] [v5-3.3.2-11].
 */
function aliasFor(broker: Broker, connection: Connection, topic: string): number {
  connection.aliasesOut ??= new Map();
  const known = connection.aliasesOut.get(topic);
  if (known !== undefined) return -known;
  if (broker.memory.takes("refuseNew")) return 0;
  if (connection.aliasesOut.size >= connection.aliasesOutMax) return 0;
  const alias = connection.aliasesOut.size + 1;
  connection.aliasesOut.set(topic, alias);
  connection.countAlias(broker.memory, topic);
  return alias;
}

export function drop(
  broker: Broker,
  session: Session,
  why: Loss,
  topic: string,
  messages: number,
): void {
  broker.statistics.publishDropped += messages;
  if (session.dropping) return;
  session.dropping = true;
  broker.note({ event: "dropping", clientId: session.clientId, why, topic });
}

/**
 * Sends a session's backlog until the client's window or this turn's budget is full: resends first,
 * then queue and retained replay in arrival order [v4-4.6.0-5] [v4-4.6.0-6] [v5-4.6.0-5]. Only
 * PUBLISH waits for the window [v5-3.3.4-10] [v5-4.9.0-3]. All waits for the end of a SUBSCRIBE that
 * was cut: its retained messages follow the SUBACK. Returns the number of messages looked at.
 */
export function pump(broker: Broker, session: Session): number {
  const connection = session.connection;
  if (connection === null || !takesOutput(broker, connection) || !hasWaiting(session)) return 0;
  if (connection.cut !== null) return 0;
  const heldBack = hasBacklog(session);
  const messages = pumpTo(broker, session, connection);
  if (heldBack && !hasBacklog(session)) broker.invalidateRoutes(session);
  if (session.heldPublishers !== null) releaseIfRoomy(broker, session);
  return messages;
}

/** Whether a pump has anything to do: to send messages, or to release publishers. */
export function hasWaiting({ isBehind, dropping, heldPublishers }: Session): boolean {
  return isBehind || dropping || heldPublishers !== null;
}

function pumpTo(broker: Broker, session: Session, connection: Connection): number {
  const { resends } = session;
  let bytes = 0;
  let messages = 0;
  for (; messages < messagesAtOnce && bytes < bytesAtOnce; messages++) {
    if (messages > 0 && broker.budget.isUsedUp) break;
    broker.budget.spent += unitsOfPumped;
    // [v5-3.3.4-9] [v5-4.9.0-2]: messages not yet sent on this connection take none of its send
    // quota.
    if (session.outgoing.count - resends.size >= connection.receiveMaximum) return messages;
    if (resends.size > 0) {
      bytes += resendFirst(broker, session, connection);
      continue;
    }
    const item = nextQueued(broker, session);
    if (item === "later") {
      broker.budget.spent += unitsOfLater;
      continue;
    }
    if (item === null) {
      session.dropping = false;
      return messages;
    }
    // [v5-3.3.2-5]: a message that expired before it was sent is deleted.
    const { message } = item;
    if (message.expiresAt !== null && message.expiresAt <= broker.now) continue;
    bytes += message.payload.length;
    send(broker, session, connection, item);
  }
  session.pump ??= new Deadline<Timed>({ kind: "pump", session });
  broker.deadlines.set(session.pump, after(broker.now, 1));
  return messages;
}

/**
 * The next message: those queued before a SUBSCRIBE, then its retained messages, then those queued
 * since. "later": no retained message matched within `stepsAtOnce`, try again. Null: nothing waits.
 */
function nextQueued(broker: Broker, session: Session): Queued | "later" | null {
  for (let steps = 0; steps < stepsAtOnce; steps++) {
    const { value: replay } = session.replays.values().next();
    if (replay === undefined || session.queue.front < replay.before) {
      return session.queue.shift() ?? null;
    }
    const { filter, pattern } = replay.subscription;
    const next = sendsRetained(broker, pattern) ? replay.messages.next() : null;
    if (next === null || next.done === true) {
      session.endReplay(filter);
      continue;
    }
    if (next.value === null) continue;
    return { message: next.value, copy: retainedCopy(next.value, replay.subscription) };
  }
  return "later";
}

/** A replayed copy has RETAIN 1, as it is sent because of a subscription [v4-3.3.1-8]. */
function retainedCopy(message: Message, { qos, identifier }: Subscription): Copy {
  return {
    qos: lesserQos(message.qos, qos),
    retain: true,
    identifiers: identifier === 0 ? null : [identifier],
    shared: null,
  };
}

function send(
  broker: Broker,
  session: Session,
  connection: Connection,
  { message, copy }: Queued,
): void {
  const { topic } = message;
  if (!isVisibleTo(connection, topic)) return;
  // It may have waited: the rights of its client can be others now.
  if (!mayRead(broker, session, topic)) return noteDenied(broker, session, topic);
  if (roomFor(connection, message, copy) < 0) {
    // Counts as sent and acknowledged, as in `decide`.
    return drop(broker, session, "packet too large", message.topic, 1);
  }
  const delivery = deliveryOf(broker, connection, message, copy);
  deliver(broker, message, [delivery], [enterWindow(session, connection, message, copy)]);
}

/**
 * Sends one message to many connections; the driver encodes it once. `frame`: the message's own
 * before anything kept it.
 */
export function deliver(
  broker: Broker,
  message: Message,
  to: readonly Delivery[],
  packetIds: readonly number[] | null,
  frame: Frame | null = null,
  isWill = false,
): void {
  broker.statistics.publishSent += to.length;
  broker.budget.spent += to.length * unitsOfCopy;
  broker.statistics.packetsSent += to.length;
  broker.effects.push({
    type: "deliver",
    message,
    // Whole seconds left after the time it waited (v5-3.3.2-6).
    expirySeconds:
      message.expiresAt === null
        ? null
        : Math.max(0, Math.ceil((message.expiresAt - broker.now) / 1000)),
    frame,
    to,
    isWill,
    packetIds,
  });
}

/**
 * Marks unacknowledged messages of a resumed session for resending, in their order [v4-4.4.0-1]
 * [v5-4.4.0-1]. Sends PUBRELs at once; `pump` sends the PUBLISHes within the client's window.
 */
export function startResends(broker: Broker, session: Session): void {
  const connection = session.connection;
  if (connection === null) return;
  session.resends.clear();
  for (const outgoing of session.outgoing.inOrder()) {
    if (outgoing.awaited !== "pubcomp") session.addResend(outgoing);
    else broker.send(connection, { type: "pubrel", packetId: outgoing.packetId, reason: 0 });
  }
}

/**
 * Sends the first resend with DUP 1 [v4-3.3.1-1] [v5-3.3.1-1], even if it has expired [v5-4.3.3-7].
 * Returns its payload's bytes; 0: it was dropped.
 */
function resendFirst(broker: Broker, session: Session, connection: Connection): number {
  const [outgoing] = session.resends;
  assert(outgoing !== undefined, "there is a message to resend");
  session.resends.delete(outgoing);
  const { message, copy, strip } = outgoing;
  assert(message !== null, "a session that is resumed keeps what is in flight");
  if (!mayRead(broker, session, message.topic)) {
    session.outgoing.remove(outgoing);
    noteDenied(broker, session, message.topic);
    return 0;
  }
  if (roomFor(connection, message, copy, strip) < 0) {
    // [v5-3.1.2-25]: the Maximum Packet Size is smaller here than on the first connection.
    session.outgoing.remove(outgoing);
    drop(broker, session, "packet too large", message.topic, 1);
    return 0;
  }
  const delivery = newDelivery(connection, copy, 0, false);
  const plain = strip === 0 && copy.identifiers === null;
  deliver(broker, message, [{ ...delivery, strip, plain, dup: true }], [outgoing.packetId]);
  return message.payload.length;
}
