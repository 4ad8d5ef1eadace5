import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { Deadline } from "./deadlines.ts";
import { causeOf, endConnection } from "./ending.ts";
import { isUnwanted, type Reach } from "./events.ts";
import { deliver, isHeldBack, mayAdd, newOutcome, offer, sees, type Outcome } from "./forward.ts";
import { publishedBeside } from "./habits.ts";
import { holdPublisher } from "./hold.ts";
import type { Delivery, Millis } from "./io.ts";
import { keep, type Message, type PublishPacket } from "./packet.ts";
import { Reason, type ProtocolError, type ReasonCode } from "./reason.ts";
import type { Session } from "./session.ts";
import type { Group, Match, Subscription } from "./subscriptions.ts";
import type { Timed } from "./timed.ts";
import { isForServerOnly, tooDeep } from "./topic.ts";

/** What is known about who gets a topic, until the next change of any subscription. */
export interface Route {
  readonly generation: number;
  readonly match: Match;
  /**
   * The copies of a QoS 0 message, where they are the same every time: every recipient is connected,
   * takes all sizes and no aliases, and there are no shared groups. Null: each is looked at.
   */
  readonly copies: readonly Delivery[] | null;
}

/** Topics whose routes are remembered at once, and how long they may be; limits on memory, not on topics. */
const rememberedRoutes = 10_000;
const rememberedTopicLength = 512;

/**
 * Passes a message on to everybody who is to get it: the one way in, for a client's PUBLISH, for a
 * will and for `$SYS`. `publisher` null: the broker itself. `offline`: what those get who are not
 * connected.
 */
export function publish(
  broker: Broker,
  publisher: Session | null,
  message: Message,
  offline: "queued" | "nothing" = "queued",
): Reach {
  const retained = message.retain ? retain(broker, message) : null;
  const route = routeOf(broker, message.topic);
  const { copies, match } = route;
  if (copies !== null && message.qos === 0 && !message.retain) {
    if (publisher === null || !match.withoutLocal.has(publisher)) {
      deliver(broker, message, copies);
      return { delivered: copies.length, queued: 0, dropped: 0, away: 0, retained };
    }
  }
  const outcome = newOutcome(retained === "stored");
  for (const recipient of match.recipients) {
    const local = publisher !== null && recipient.session === publisher;
    const wanted = local ? (match.withoutLocal.get(publisher) ?? recipient) : recipient;
    if (local && match.withoutLocal.get(publisher) === null) continue;
    const { session, qos, retainAsPublished, identifiers } = wanted;
    if (offline === "nothing" && session.connection === null) {
      outcome.away += 1;
      continue;
    }
    offer(broker, session, message, qos, message.retain && retainAsPublished, identifiers, outcome);
  }
  for (const group of match.groups) offerToGroup(broker, group, message, outcome);
  if (outcome.copies.length > 0) deliver(broker, message, outcome.copies);
  if (outcome.crowded !== null && publisher !== null) {
    holdPublisher(broker, publisher, outcome.crowded);
  }
  const { delivered, queued, dropped, away } = outcome;
  return { delivered, queued, dropped, away, retained };
}

export function publishReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: PublishPacket,
): void {
  broker.statistics.publishReceived += 1;
  const named = topicOf(connection, packet);
  if (typeof named !== "string") return end(broker, connection, named);
  const topic = connection.listener.mountPoint + named;
  const error = faultOf(broker, connection, packet, topic);
  if (error !== null) return end(broker, connection, error);
  if (packet.qos === 2 && session.incoming.has(packet.packetId)) {
    (connection.unfinished ??= new Set()).add(packet.packetId);
    // Sent again: it was passed on when it came first (v5-4.3.3-10).
    return acknowledge(broker, connection, packet, Reason.success);
  }
  const refusal = refusalOf(broker, connection, session, packet, named);
  if (refusal !== null) {
    broker.statistics.publishDropped += 1;
    const { reason, detail } = refusal;
    broker.note({ event: "publishRefused", peer: connection.peer, topic, reason, detail });
    // v4 has no way to say no: the message is acknowledged and goes nowhere (section 3.3.5).
    return acknowledge(broker, connection, packet, reason);
  }
  if (packet.qos === 2) {
    session.incoming.add(packet.packetId);
    (connection.unfinished ??= new Set()).add(packet.packetId);
  }
  if (session.will !== null) publishedBeside(session.will, topic, packet.retain);
  const message = messageOf(broker, connection, packet, topic);
  if (broker.rules.publishLagMs > 0) {
    publishLater(broker, session, message);
    return acknowledge(broker, connection, packet, Reason.success);
  }
  const reach = publish(broker, session, message);
  const reason = isUnwanted(reach) ? Reason.noMatchingSubscribers : Reason.success;
  acknowledge(broker, connection, packet, reason);
}

function publishLater(broker: Broker, session: Session, message: Message): void {
  const deadline = new Deadline<Timed>({ kind: "publish", session, message: keep(message) });
  broker.deadlines.set(deadline, (broker.now + broker.rules.publishLagMs) as Millis);
}

function end(broker: Broker, connection: Connection, error: ProtocolError): void {
  endConnection(broker, connection, causeOf(error), { ...error });
}

function messageOf(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  topic: string,
): Message {
  const { qos, retain: isRetained, payload, properties, expirySeconds } = packet;
  return {
    topic,
    qos,
    retain: isRetained,
    payload,
    properties,
    expiresAt: expirySeconds === null ? null : ((broker.now + expirySeconds * 1000) as Millis),
    // Its bytes are the subscriber's bytes only where nothing in them was the publisher's own.
    frame:
      packet.topicAlias === 0 && expirySeconds === null && connection.listener.mountPoint === ""
        ? packet.frame
        : null,
    owned: false,
  };
}

/** The topic that a PUBLISH names, by itself or by its alias, less the mount point. */
function topicOf(connection: Connection, packet: PublishPacket): string | ProtocolError {
  const alias = packet.topicAlias;
  if (alias === 0) return packet.topic;
  const { topicAliases } = connection.announced;
  if (alias > topicAliases) {
    return {
      reason: Reason.topicAliasInvalid,
      statement: "v5-3.3.2-9",
      detail: `topic alias ${alias} above ${topicAliases}`,
    };
  }
  connection.aliasesIn ??= [];
  if (packet.topic !== "") {
    connection.aliasesIn[alias] = packet.topic;
    return packet.topic;
  }
  return (
    connection.aliasesIn[alias] ?? {
      reason: Reason.protocolError,
      statement: "v5-3.3.2.3.4",
      detail: `topic alias ${alias} is not known`,
    }
  );
}

/** What ends the connection. */
function faultOf(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  topic: string,
): ProtocolError | null {
  const { topicLevels } = broker.limits;
  const { qos, receiveMaximum, retain } = connection.announced;
  if (packet.qos > qos) {
    return {
      reason: Reason.qosNotSupported,
      statement: "v5-3.2.2-11",
      detail: `PUBLISH with QoS ${packet.qos} above ${qos}`,
    };
  }
  if (packet.retain && !retain) {
    return {
      reason: Reason.retainNotSupported,
      statement: "v5-3.2.2-14",
      detail: "PUBLISH with RETAIN, but retain is off",
    };
  }
  if (tooDeep(topic, topicLevels)) {
    return {
      reason: Reason.topicNameInvalid,
      statement: "v5-4.7.3",
      detail: `a topic of more than ${topicLevels} levels`,
    };
  }
  // QoS 1 is acknowledged at once, so that QoS 2 alone can fill the Receive Maximum. v4 has none. What
  // an earlier connection of the session has left unfinished does not count (v5-4.9).
  const { unfinished, version } = connection;
  if (
    packet.qos === 2 &&
    version === 5 &&
    unfinished !== null &&
    unfinished.size >= receiveMaximum &&
    !unfinished.has(packet.packetId)
  ) {
    return {
      reason: Reason.receiveMaximumExceeded,
      statement: "v5-3.3.4-7",
      detail: `more than ${receiveMaximum} unfinished QoS 2 messages`,
    };
  }
  return null;
}

/** What is said no to, while the connection lives on. */
function refusalOf(
  broker: Broker,
  { listener }: Connection,
  session: Session,
  packet: PublishPacket,
  named: string,
): { readonly reason: ReasonCode; readonly detail: string } | null {
  if (isForServerOnly(listener.mountPoint, named)) {
    return { reason: Reason.notAuthorized, detail: "$SYS belongs to the broker" };
  }
  if (!broker.access.mayPublish(session, listener.mountPoint + named)) {
    return { reason: Reason.notAuthorized, detail: "not allowed to publish there" };
  }
  if (packet.payload.length > broker.limits.payloadSize) {
    const detail = `payload of ${packet.payload.length} B above ${broker.limits.payloadSize} B`;
    return { reason: Reason.quotaExceeded, detail };
  }
  return null;
}

function acknowledge(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  reason: ReasonCode,
): void {
  if (packet.qos === 0) return;
  const type = packet.qos === 1 ? "puback" : "pubrec";
  broker.send(connection, { type, packetId: packet.packetId, reason });
}

function retain(broker: Broker, message: Message): Reach["retained"] {
  if (message.payload.length === 0) return broker.retained.clear(message.topic) ? "cleared" : null;
  if (broker.retained.store(keep(message))) return "stored";
  broker.note({
    event: "dropping",
    clientId: null,
    why: "retained messages full",
    topic: message.topic,
  });
  return null;
}

/** Whether anybody would get a message on a topic. */
export function isWanted(broker: Broker, topic: string): boolean {
  const { match } = routeOf(broker, topic);
  return match.recipients.length > 0 || match.groups.length > 0;
}

function routeOf(broker: Broker, topic: string): Route {
  const known = broker.routes.get(topic);
  if (known !== undefined && known.generation === broker.generation) return known;
  if (known === undefined && broker.routes.size >= rememberedRoutes) broker.routes.clear();
  const match = broker.subscriptions.match(topic);
  const route = { generation: broker.generation, match, copies: fixedCopies(match, topic) };
  if (topic.length <= rememberedTopicLength) broker.routes.set(topic, route);
  return route;
}

function fixedCopies(match: Match, topic: string): Delivery[] | null {
  if (match.groups.length > 0) return null;
  const copies: Delivery[] = [];
  for (const { session, identifiers } of match.recipients) {
    const connection = session.connection;
    if (connection === null || connection.blocked || isHeldBack(session)) return null;
    if (connection.maximumPacketSize !== Infinity || connection.aliasesOutMax > 0) return null;
    if (!sees(connection, topic)) continue;
    const strip = connection.listener.mountPoint.length;
    copies.push({
      connection: connection.id,
      version: connection.version,
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      strip,
      subscriptionIdentifiers: identifiers,
      alias: 0,
      aliasKnown: false,
      plain: strip === 0 && identifiers === null,
    });
  }
  return copies;
}

/** One of those who share a filter gets it. */
export function offerToGroup(
  broker: Broker,
  group: Group,
  message: Message,
  outcome: Outcome,
): void {
  const { members } = group;
  const chosen = nextMember(group, message.topic);
  if (chosen === null) return;
  group.turn = (members.indexOf(chosen) + 1) % members.length;
  const retainFlag = message.retain && chosen.retainAsPublished;
  const identifiers = chosen.identifier === 0 ? null : [chosen.identifier];
  offer(broker, chosen.session, message, chosen.qos, retainFlag, identifiers, outcome, chosen);
}

/** Who of a shared subscription gets the next message: in turn, and rather one that can take it at once. */
export function nextMember({ members, turn }: Group, topic: string): Subscription | null {
  let chosen: Subscription | null = null;
  let best = -1;
  for (let step = 0; step < members.length; step++) {
    const member = members[(turn + step) % members.length]!;
    const fitness = fitnessOf(member.session, topic);
    if (fitness <= best) continue;
    best = fitness;
    chosen = member;
    if (fitness === 3) break;
  }
  return chosen;
}

/** 3: takes it now. 2: its window is full. 1: it takes no data. 0: offline. -1: the topic is out of its sight. */
function fitnessOf(session: Session, topic: string): number {
  const connection = session.connection;
  if (connection === null) return 0;
  if (!sees(connection, topic)) return -1;
  if (connection.blocked) return 1;
  return mayAdd(session, connection) ? 3 : 2;
}
