import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { Copy, Recipient } from "./copy.ts";
import { aliasBytes, publishSize, publishSizeBound } from "./packet-size.ts";
import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Group, Match, Member } from "./subscriptions.ts";
import { isVisibleThroughMount } from "./topic.ts";

/** As much of a message as a decision depends on: its bytes are only counted. */
export type Measured = Pick<Message, "topic" | "qos" | "expiresAt"> & {
  readonly payload: { readonly length: number };
  readonly properties: { readonly length: number } | null;
};

/**
 * What happens to one message for one session. `not visible`: its client is behind a mount point that
 * the topic is not behind. `away`: QoS 0 while it is not connected. The others are losses.
 */
export type Decision = "sent" | "queued" | "not visible" | "away" | Loss;

/** A message that a session should have got. `blocked`: QoS 0 while its client takes no data. */
export type Loss = "blocked" | "queue full" | "packet too large";

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
  const ready = connection !== null && !connection.blocked;
  const isInTurn =
    session.replays.size === 0 || isRetained || !mayBeOwedOlder(broker, message.topic);
  if (ready && isInTurn && (copy.qos === 0 ? queue.qos0 === 0 : canSendNow(session, connection))) {
    // [v5-3.1.2-24] [v5-3.1.2-25]: too large counts as sent and acknowledged.
    return roomFor(connection, message, copy) < 0 ? "packet too large" : "sent";
  }
  if (copy.qos === 0 && !ready && !broker.limits.queueQos0) {
    return connection === null ? "away" : "blocked";
  }
  return queue.accepts(message, copy.qos) ? "queued" : "queue full";
}

/**
 * Whether a session with a retained replay under way may have to get an older message on this topic
 * first [v5-4.6.0-6].
 */
function mayBeOwedOlder(broker: Broker, topic: string): boolean {
  return broker.retained.has(topic);
}

/** Whether a QoS 1 or 2 message can leave at once: in order, and within the client's window. */
function canSendNow(session: Session, connection: Connection): boolean {
  return (
    session.queue.count === 0 &&
    session.resends.size === 0 &&
    session.outgoing.count < connection.receiveMaximum
  );
}

/**
 * Whether a client may be told of a topic. One of which it may not comes of a subscription that the
 * session made on another listener.
 */
export function isVisibleTo({ listener }: Connection, topic: string): boolean {
  return isVisibleThroughMount(listener.mountPoint, topic);
}

/**
 * Bytes that are left under the client's Maximum Packet Size, or fewer where that is plenty; negative:
 * it does not fit.
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

/** Whether QoS 0 may have to wait behind something. */
export function hasBacklog(session: Session): boolean {
  return session.queue.qos0 > 0 || session.replays.size > 0;
}

/**
 * Whether the decision on QoS 0 is `sent` for every message that is visible and without RETAIN, and
 * each of its copies is the same. It holds until the broker's `generation` changes.
 */
export function alwaysSendsQos0(session: Session): boolean {
  const { connection } = session;
  return (
    connection !== null &&
    !connection.blocked &&
    !hasBacklog(session) &&
    connection.maximumPacketSize === Infinity &&
    connection.aliasesOutMax === 0
  );
}

/** As what a recipient gets a publisher's messages: with No Local perhaps as less. Null: not at all. */
export function applyNoLocal(
  { withoutLocal }: Match,
  recipient: Recipient,
  publisher: Session | null,
): Recipient | null {
  if (recipient.session !== publisher) return recipient;
  const wanted = withoutLocal.get(publisher);
  return wanted === undefined ? recipient : wanted;
}

/** The member of a shared subscription that gets the next message: in turn, first those that can take it at once. */
export function nextMember({ members, turn }: Group, topic: string): Member | null {
  let chosen: Member | null = null;
  let best = -1;
  for (let step = 0; step < members.length; step++) {
    const member = members[(turn + step) % members.length]!;
    const readiness = readinessOf(member.session, topic);
    if (readiness <= best) continue;
    best = readiness;
    chosen = member;
    if (readiness === 3) break;
  }
  return chosen;
}

/** 3: takes it now. 2: its window is full. 1: it takes no data. 0: offline. -1: the topic is not visible to it. */
function readinessOf(session: Session, topic: string): number {
  const connection = session.connection;
  if (connection === null) return 0;
  if (!isVisibleTo(connection, topic)) return -1;
  if (connection.blocked) return 1;
  return canSendNow(session, connection) ? 3 : 2;
}
