import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Copy, Recipient } from "./copy.ts";
import { aliasBytes, publishSize, publishSizeBound } from "./packet-size.ts";
import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Match } from "./match.ts";
import type { Group, Member } from "./subscriptions.ts";
import { isVisibleThroughMount } from "./topic.ts";

/** The part of a message that a decision needs: sizes, not bytes. */
export type Measured = Pick<Message, "topic" | "qos" | "expiresAt"> & {
  readonly payload: { readonly length: number };
  readonly properties: { readonly length: number } | null;
};

/**
 * What happens to one message for one session. `not visible`: the topic is outside the mount point
 * of its client. `away`: QoS 0 while the client is not connected. The others are losses.
 */
export type Decision = "sent" | "queued" | "not visible" | "away" | Loss;

/** A message that a session loses. `blocked`: QoS 0 while its client reads no data. */
export type Loss = "blocked" | "queue full" | "packet too large" | "memory full";

/**
 * Decides whether a session's copy is sent now, queued or dropped. Changes nothing: `offer` acts on
 * the answer, and inspect shows it. `isRetained`: the message is its topic's retained message.
 */
export function decide(
  broker: Broker,
  session: Session,
  message: Measured,
  copy: Copy,
  isRetained: boolean,
): Decision {
  const { connection, queue } = session;
  if (connection !== null && !isVisibleTo(connection, message.topic)) return "not visible";
  const ready = connection !== null && takesOutput(broker, connection);
  const isInTurn =
    session.replays.size === 0 || isRetained || !mayBeOwedOlder(broker, message.topic);
  if (ready && isInTurn && (copy.qos === 0 ? queue.qos0 === 0 : canSendNow(session, connection))) {
    // [v5-3.1.2-24] [v5-3.1.2-25]: too large counts as sent and acknowledged.
    const isTooLarge = roomFor(connection, message, copy) < 0 && !broker.rules.sendsTooLarge;
    return isTooLarge ? "packet too large" : "sent";
  }
  if (copy.qos === 0) {
    const isShort = broker.memory.takes("dropQos0");
    if (!ready && (isShort || !broker.limits.queueQos0)) {
      if (connection === null) return "away";
      return connection.blocked ? "blocked" : "memory full";
    }
    if (isShort) return "memory full";
  }
  return queue.accepts(message, copy.qos) ? "queued" : "queue full";
}

/** Whether a connection gets more output. While memory is short, not if its peer has some to take. */
export function takesOutput({ memory }: Broker, { blocked, waitingSince }: Connection): boolean {
  return !blocked && (waitingSince === null || !memory.takes("dropQos0"));
}

/**
 * Whether a session in the middle of a retained replay may still have to get an older message on
 * this topic first [v5-4.6.0-6].
 */
function mayBeOwedOlder(broker: Broker, topic: string): boolean {
  return broker.retained.has(topic);
}

/**
 * Whether a QoS 1 or 2 message can be sent at once: in order, and within the client's window
 * [v5-3.3.4-9] [v5-4.9.0-2].
 */
function canSendNow(session: Session, connection: Connection): boolean {
  return (
    session.queue.count === 0 &&
    session.resends.size === 0 &&
    session.outgoing.count < connection.receiveMaximum
  );
}

/**
 * Whether a client may see a topic. A session that subscribed on another listener can match topics
 * outside the mount point of this one.
 */
export function isVisibleTo({ listener }: Connection, topic: string): boolean {
  return isVisibleThroughMount(listener.mountPoint, topic);
}

/**
 * Bytes left under the client's Maximum Packet Size, or a lower bound where that already leaves
 * enough for an alias; negative: the message does not fit.
 */
export function roomFor(
  connection: Connection,
  message: Measured,
  copy: Copy,
  strip = connection.strip,
): number {
  const { maximumPacketSize, version } = connection;
  if (maximumPacketSize === Infinity) return Infinity;
  const plenty = maximumPacketSize - publishSizeBound(message, copy);
  if (plenty >= aliasBytes) return plenty;
  return maximumPacketSize - publishSize(message, copy, version, strip);
}

/** Whether a QoS 0 message may have to wait behind others. */
export function hasBacklog(session: Session): boolean {
  return session.queue.qos0 > 0 || session.replays.size > 0;
}

/**
 * Whether every visible QoS 0 message without RETAIN is `sent`, in identical copies. Holds until
 * the broker's `generation` changes.
 */
export function alwaysSendsQos0({ memory }: Broker, session: Session): boolean {
  const { connection } = session;
  return (
    connection !== null &&
    !connection.blocked &&
    !memory.takes("dropQos0") &&
    !hasBacklog(session) &&
    connection.maximumPacketSize === Infinity &&
    connection.aliasesOutMax === 0
  );
}

/** The recipient less its No Local subscriptions if it is the publisher. Null: it gets nothing. */
export function applyNoLocal(
  { withoutLocal }: Match,
  recipient: Recipient,
  publisher: Session | null,
): Recipient | null {
  if (recipient.session !== publisher) return recipient;
  const wanted = withoutLocal.get(publisher);
  return wanted === undefined ? recipient : wanted;
}

/**
 * The group member that gets the next message: in turn, members that can take it at once first, and
 * none of those who may not read the topic.
 */
export function nextMember(
  { members, turn }: Group,
  topic: string,
  denied: ReadonlySet<Session> | null,
): Member | null {
  let chosen: Member | null = null;
  let best = -1;
  for (let step = 0; step < members.length; step++) {
    const member = members[(turn + step) % members.length]!;
    if (denied?.has(member.session) === true) continue;
    const readiness = readinessOf(member.session, topic);
    if (readiness <= best) continue;
    best = readiness;
    chosen = member;
    if (readiness === 3) break;
  }
  return chosen;
}

/**
 * 3: can take it now. 2: window full. 1: blocked. 0: offline. -1: it has left, or the topic is not visible
 * to it.
 */
function readinessOf(session: Session, topic: string): number {
  if (session.hasLeft) return -1;
  const connection = session.connection;
  if (connection === null) return 0;
  if (!isVisibleTo(connection, topic)) return -1;
  if (connection.blocked) return 1;
  return canSendNow(session, connection) ? 3 : 2;
}
