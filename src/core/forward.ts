import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { BrokerEvent } from "./events.ts";
import { relieve } from "./hold.ts";
import type { Delivery, Millis } from "./io.ts";
import { publishSize } from "./packet-size.ts";
import { keep, type Message, type Qos } from "./packet.ts";
import type { Queued } from "./queue.ts";
import { lesserQos, type Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";
import { isInSight } from "./topic.ts";

/** What one turn sends from a queue or a retained replay, at the most; the rest waits for the next. */
const messagesAtOnce = 200;
const bytesAtOnce = 256 * 1024;
/** Of a walk over the retained messages, for each message that might be sent. */
const stepsAtOnce = 50;

/** Where the copies of one message went. */
export interface Outcome {
  delivered: number;
  queued: number;
  dropped: number;
  away: number;
  readonly copies: Delivery[];
  /** One whose queue has little room by now; null: there is none. */
  crowded: Session | null;
  /** It is the topic's retained message by now, which is older than no other. */
  readonly isRetained: boolean;
}

export function newOutcome(isRetained: boolean): Outcome {
  return { delivered: 0, queued: 0, dropped: 0, away: 0, copies: [], crowded: null, isRetained };
}

/**
 * One message for one session: sent now, queued, or dropped within the session's limits. `shared`: the
 * shared subscription whose turn it is.
 */
export function offer(
  broker: Broker,
  session: Session,
  message: Message,
  subscribedQos: Qos,
  retain: boolean,
  identifiers: readonly number[] | null,
  outcome: Outcome,
  shared: Subscription | null = null,
): void {
  const qos = lesserQos(message.qos, subscribedQos);
  const connection = session.connection;
  if (connection !== null && !sees(connection, message.topic)) return;
  const ready = connection !== null && !connection.blocked;
  const inTurn = session.replays.size === 0 || outcome.isRetained || !waits(broker, message);
  if (ready && inTurn && (qos === 0 ? session.queue.qos0 === 0 : mayAdd(session, connection))) {
    const copy = copyFor(broker, session, connection, message, qos, retain, identifiers, shared);
    if (copy === null) {
      outcome.dropped += 1;
    } else {
      outcome.copies.push(copy);
      outcome.delivered += 1;
    }
    return;
  }
  if (qos === 0 && !ready && !broker.limits.queueQos0) {
    // Nobody expects QoS 0 while offline; to lose it while connected is worth a line.
    if (connection === null) {
      outcome.away += 1;
      return;
    }
    outcome.dropped += 1;
    drop(broker, session, "blocked", message.topic, 1);
    return;
  }
  const item = { message: keep(message), qos, retain, identifiers, shared };
  if (session.queue.count === 0) session.tookAt = broker.now;
  const { stored, evicted } = session.queue.push(item);
  if (stored) outcome.queued += 1;
  else outcome.dropped += 1;
  if (qos > 0 && session.queue.isCrowded) outcome.crowded = session;
  // What had to make room for it is another message's loss.
  const lost = evicted + (stored ? 0 : 1);
  if (lost > 0) drop(broker, session, "queue full", message.topic, lost);
}

/**
 * Whether a session that is still to get retained messages may have to get an older one on this
 * topic first [v5-4.6.0-6].
 */
function waits(broker: Broker, { topic }: Message): boolean {
  return broker.retained.has(topic);
}

/** Whether a QoS 1 or 2 message can leave at once: in order, and within the client's window. */
export function mayAdd(session: Session, connection: Connection): boolean {
  return (
    session.queue.count === 0 &&
    session.resends.size === 0 &&
    session.outgoing.count < connection.receiveMaximum
  );
}

/**
 * The copy for a client, entered in its window if it is to be acknowledged. Null: it is too large, or
 * out of sight.
 */
function copyFor(
  broker: Broker,
  session: Session,
  connection: Connection,
  message: Message,
  qos: Qos,
  retain: boolean,
  identifiers: readonly number[] | null,
  shared: Subscription | null,
): Delivery | null {
  const { id, version } = connection;
  const strip = connection.listener.mountPoint.length;
  if (!sees(connection, message.topic)) return null;
  const room = roomFor(connection, message, qos, strip, identifiers);
  if (room < 0) {
    // [v5-3.1.2-24] [v5-3.1.2-25]: too large counts as sent and acknowledged.
    drop(broker, session, "packet too large", message.topic, 1);
    return null;
  }
  const aliases = connection.aliasesOutMax > 0 && room >= bytesOfAlias;
  const alias = aliases ? aliasFor(connection, message.topic) : 0;
  const aliasKnown = alias < 0;
  if (qos === 0) {
    return {
      connection: id,
      version,
      qos,
      retain,
      dup: false,
      packetId: 0,
      strip,
      subscriptionIdentifiers: identifiers,
      alias: Math.abs(alias),
      aliasKnown,
      plain: strip === 0 && identifiers === null && alias === 0,
    };
  }
  const outgoing = session.outgoing.add(
    keep(message),
    qos,
    retain,
    strip,
    identifiers,
    id,
    version,
  );
  outgoing.shared = shared;
  if (alias !== 0) {
    outgoing.alias = Math.abs(alias);
    outgoing.aliasKnown = aliasKnown;
    outgoing.plain = false;
  }
  return outgoing;
}

/**
 * Whether a client may be told of a topic. One of which it may not comes of a subscription that the
 * session made on another listener.
 */
export function sees({ listener }: Connection, topic: string): boolean {
  return isInSight(listener.mountPoint, topic);
}

/** What a Topic Alias adds: its identifier and two bytes, and what the two lengths may grow by. */
const bytesOfAlias = 5;

/** Bytes that are left under the client's Maximum Packet Size; negative: it does not fit. */
function roomFor(
  connection: Connection,
  message: Message,
  qos: Qos,
  strip: number,
  identifiers: readonly number[] | null,
): number {
  if (connection.maximumPacketSize === Infinity) return Infinity;
  // A copy with QoS 0 has no packet id, whatever the message has.
  const copy = qos === 0 && message.qos !== 0 ? { ...message, qos } : message;
  const size = publishSize(copy, connection.version, strip, identifiers);
  return connection.maximumPacketSize - size;
}

/** The alias of a topic on this connection: positive when it is new, negative when it is known, 0: none. */
function aliasFor(connection: Connection, topic: string): number {
  connection.aliasesOut ??= new Map();
  const known = connection.aliasesOut.get(topic);
  if (known !== undefined) return -known;
  if (connection.aliasesOut.size >= connection.aliasesOutMax) return 0;
  const alias = connection.aliasesOut.size + 1;
  connection.aliasesOut.set(topic, alias);
  return alias;
}

type Dropping = (BrokerEvent & { event: "dropping" })["why"];

function drop(
  broker: Broker,
  session: Session,
  why: Dropping,
  topic: string,
  messages: number,
): void {
  broker.statistics.publishDropped += messages;
  if (session.dropping) return;
  session.dropping = true;
  broker.note({ event: "dropping", clientId: session.clientId, why, topic });
}

/**
 * Sends what waits for a session, as far as it takes it: what is to be sent again, then its queue and
 * the retained messages that it is to get, in the order in which they came up. Returns how many
 * messages it looked at.
 */
export function pump(broker: Broker, session: Session): number {
  const connection = session.connection;
  if (connection === null || connection.blocked) return 0;
  const heldBack = isHeldBack(session);
  const messages = pumpTo(broker, session, connection);
  if (heldBack && !isHeldBack(session)) broker.rerouted(session);
  if (session.crowd !== null) relieve(broker, session);
  return messages;
}

/** QoS 0 may have to stand behind something that waits. */
export function isHeldBack(session: Session): boolean {
  return session.queue.qos0 > 0 || session.replays.size > 0;
}

function pumpTo(broker: Broker, session: Session, connection: Connection): number {
  const { outgoing, resends } = session;
  let bytes = 0;
  let messages = 0;
  for (; messages < messagesAtOnce && bytes < bytesAtOnce; messages++) {
    // [v5-3.3.4-9]: what has not been sent on this connection takes none of its quota.
    if (outgoing.count - resends.size >= connection.receiveMaximum) return messages;
    if (resends.size > 0) {
      bytes += resendFirst(broker, session, connection);
      continue;
    }
    const item = nextFor(session);
    if (item === "later") continue;
    if (item === null) {
      session.dropping = false;
      return messages;
    }
    // [v5-3.3.2-5]: what has expired before it was sent is deleted.
    const { message } = item;
    if (message.expiresAt !== null && message.expiresAt <= broker.now) continue;
    bytes += message.payload.length;
    send(broker, session, connection, item);
  }
  broker.deadlines.set(session.pump, (broker.now + 1) as Millis);
  return messages;
}

/**
 * What waited before a SUBSCRIBE, then the retained messages that it asked for, then what came since.
 * Later: none was found in so many steps, and others are to be looked at.
 */
function nextFor(session: Session): Queued | "later" | null {
  for (let steps = 0; steps < stepsAtOnce; steps++) {
    const { value: replay } = session.replays.values().next();
    if (replay === undefined || session.queue.front < replay.before) {
      return session.queue.shift() ?? null;
    }
    const next = replay.messages.next();
    if (next.done === true) {
      session.replays.delete(replay.subscription.filter);
      continue;
    }
    if (next.value === null) continue;
    const { qos, identifier } = replay.subscription;
    return {
      message: next.value,
      qos: lesserQos(next.value.qos, qos),
      retain: true,
      identifiers: identifier === 0 ? null : [identifier],
      shared: null,
    };
  }
  return "later";
}

function send(broker: Broker, session: Session, connection: Connection, item: Queued): void {
  const { message, qos, retain, identifiers, shared } = item;
  const copy = copyFor(broker, session, connection, message, qos, retain, identifiers, shared);
  if (copy !== null) deliver(broker, message, [copy]);
}

/** One message to many: the driver encodes it once. */
export function deliver(broker: Broker, message: Message, to: readonly Delivery[]): void {
  broker.statistics.publishSent += to.length;
  broker.statistics.packetsSent += to.length;
  broker.effects.push({
    type: "deliver",
    message,
    // Less the time it has waited, in whole seconds (v5-3.3.2-6).
    expirySeconds:
      message.expiresAt === null
        ? null
        : Math.max(0, Math.ceil((message.expiresAt - broker.now) / 1000)),
    to,
  });
}

/**
 * A session goes on: what was not acknowledged is to be sent again, in its order [v4-4.4.0-1]
 * [v5-4.4.0-1]. PUBRELs leave at once; `pump` sends the rest as the client takes it.
 */
export function sendAgain(broker: Broker, session: Session): void {
  const connection = session.connection;
  if (connection === null) return;
  session.resends.clear();
  for (const outgoing of session.outgoing.inOrder()) {
    if (!outgoing.released) session.resends.add(outgoing);
    else broker.send(connection, { type: "pubrel", packetId: outgoing.packetId, reason: 0 });
  }
}

/** Returns the bytes of its payload. */
function resendFirst(broker: Broker, session: Session, connection: Connection): number {
  const [outgoing] = session.resends;
  assert(outgoing !== undefined, "there is something to be sent again");
  session.resends.delete(outgoing);
  const { message, qos, strip, subscriptionIdentifiers } = outgoing;
  if (roomFor(connection, message, qos, strip, subscriptionIdentifiers) < 0) {
    // [v5-3.1.2-25]: this connection takes less than the one on which it was sent first.
    session.outgoing.remove(outgoing);
    drop(broker, session, "packet too large", message.topic, 1);
    return 0;
  }
  outgoing.connection = connection.id;
  outgoing.version = connection.version;
  outgoing.dup = true;
  outgoing.alias = 0;
  outgoing.aliasKnown = false;
  outgoing.plain = strip === 0 && subscriptionIdentifiers === null;
  deliver(broker, message, [outgoing]);
  return message.payload.length;
}
