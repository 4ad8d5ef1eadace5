import { mayWrite, rightsOf } from "./access-lists.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { Deadline } from "./deadlines.ts";
import { endConnection } from "./connection-end.ts";
import { causeOf } from "./end-causes.ts";
import type { StoreFailure } from "./durable.ts";
import { hadNoSubscribers } from "./events.ts";
import { after } from "./io.ts";
import {
  keep,
  type Message,
  payloadBytesOf,
  type PublishPacket,
  ReceivedMessage,
} from "./packet.ts";
import { isForStore, isRoomFor, publish } from "./publish.ts";
import { refusalToRetain } from "./retain.ts";
import { Reason, type ProtocolError, type ReasonCode } from "./reason.ts";
import type { Session } from "./session.ts";
import { reasonOf } from "./failed-store.ts";
import { publishDueWill } from "./session-end.ts";
import type { Timed } from "./timed.ts";
import { isForServerOnly, tooDeep, tooLong } from "./topic.ts";

/**
 * Handles a client's PUBLISH: checks, publishes and acknowledges it (section 3.3). A QoS 1 packet
 * id is forgotten at once, so the next PUBLISH with it is new [v4-4.3.2-2] [v5-4.3.2-5].
 */
export function publishReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: PublishPacket,
): void {
  const { memory } = broker;
  broker.statistics.publishReceived += 1;
  if (packet.topicAlias !== 0 && packet.topic !== "") {
    const before = connection.aliasesIn?.[packet.topicAlias];
    if (!connection.hasRoomForAlias(memory, packet.topic, before)) {
      return endForMemory(broker, connection, "its Topic Aliases");
    }
  }
  const named = topicOf(broker, connection, packet);
  if (typeof named !== "string") return end(broker, connection, named);
  const topic = connection.listener.mountPoint + named;
  const error = violationOf(broker, connection, packet, topic);
  if (error !== null) return end(broker, connection, error);
  if (packet.qos === 2 && session.incoming.has(packet.packetId)) {
    noteUnfinished(connection, packet);
    // A resend: it was published when it first arrived [v4-4.3.3-2] [v5-4.3.3-10].
    return acknowledge(broker, connection, packet, Reason.success);
  }
  const refusal = refusalOf(broker, connection, session, packet, named);
  if (refusal !== null) return refuse(broker, connection, packet, topic, refusal);
  const message = messageOf(broker, connection, packet, topic);
  if (broker.failedStore !== null && isForStore(broker, session, message)) {
    return refuseForStore(broker, connection, packet, topic, broker.failedStore.failure);
  }
  const isShort = packet.qos > 0 && !memory.hasRoomBefore("refuseMessages", payloadBytesOf(packet));
  if (isShort && !isRoomFor(broker, session, message)) {
    return refuseForMemory(broker, connection, packet, topic);
  }
  if (packet.qos === 2) {
    session.addIncoming(packet.packetId);
    noteUnfinished(connection, packet);
  }
  if (session.will !== null) broker.records.published(session.will, topic, packet);
  if (broker.rules.publishLagMs > 0) {
    publishLater(broker, session, message);
    return acknowledge(broker, connection, packet, Reason.success);
  }
  for (const will of broker.postponed.on(topic)) publishDueWill(broker, will);
  const reach = publish(broker, session, message);
  const reason = hadNoSubscribers(reach) ? Reason.noMatchingSubscribers : Reason.success;
  acknowledge(broker, connection, packet, reason);
}

/** Only v5 has a Receive Maximum, which these count against. */
function noteUnfinished(connection: Connection, { packetId }: PublishPacket): void {
  if (connection.version === 5) (connection.unfinished ??= new Set()).add(packetId);
}

interface Refusal {
  readonly reason: ReasonCode;
  readonly detail: string;
}

/**
 * Publishes nothing. v4 has no negative acknowledgement, so there it is acknowledged all the same
 * [v4-3.3.5-2]. In v5 the packet id then means a new message [v5-4.3.3-9].
 */
function refuse(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  topic: string,
  { reason, detail }: Refusal,
): void {
  broker.statistics.publishDropped += 1;
  const { peer, version } = connection;
  const isDenied = reason === Reason.notAuthorized;
  const logged = isDenied ? connection.deniedTopics.count(topic) : "new";
  if (logged !== "known") {
    const last = logged === "last" ? { isLast: true as const } : {};
    broker.note({ event: "publishRefused", peer, version, topic, reason, detail, ...last });
  }
  acknowledge(broker, connection, packet, reason);
}

/**
 * Nothing more can go, so a message that would have to be kept is refused: in v5 with a reason
 * code. In v3 and v4, which have none, the connection is closed: what is acknowledged is never lost.
 */
function refuseForMemory(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  topic: string,
): void {
  if (connection.version === 5) {
    const detail = noMemoryFor(broker, "its PUBLISH");
    return refuse(broker, connection, packet, topic, { reason: Reason.quotaExceeded, detail });
  }
  broker.statistics.publishDropped += 1;
  endForMemory(broker, connection, "its PUBLISH");
}

/** As `refuseForMemory`, while the store keeps nothing. */
function refuseForStore(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  topic: string,
  failure: StoreFailure,
): void {
  const reason = reasonOf(failure);
  const detail = `the store can't keep it: ${failure.detail}`;
  if (connection.version === 5) {
    return refuse(broker, connection, packet, topic, { reason, detail });
  }
  broker.statistics.publishDropped += 1;
  endConnection(broker, connection, "storeFailed", { detail });
}

function endForMemory(broker: Broker, connection: Connection, what: string): void {
  endConnection(broker, connection, "memory", { detail: noMemoryFor(broker, what) });
}

function noMemoryFor({ memory }: Broker, what: string): string {
  return `no memory is left for ${what}: ${memory.total} B of ${memory.limit} B are taken (limits.memory)`;
}

function publishLater(broker: Broker, session: Session, message: Message): void {
  const deadline = new Deadline<Timed>({ kind: "publish", session, message: keep(message) });
  broker.deadlines.set(deadline, after(broker.now, broker.rules.publishLagMs));
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
  const { expirySeconds } = packet;
  const expiresAt = expirySeconds === null ? null : after(broker.now, expirySeconds * 1000);
  // Forward its bytes unchanged only if alias, expiry and mount point leave them equal.
  const isAsReceived =
    packet.topicAlias === 0 && expirySeconds === null && connection.listener.mountPoint === "";
  return new ReceivedMessage(packet, topic, expiresAt, isAsReceived ? packet.frame : null);
}

/**
 * The topic of a PUBLISH, from its name or its alias, without the mount point [v5-3.2.2-17]
 * [v5-3.2.2-18] [v5-3.3.2-12].
 */
function topicOf(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
): string | ProtocolError {
  const alias = packet.topicAlias;
  if (alias === 0) return packet.topic;
  const { topicAliases } = connection.announced;
  if (alias > topicAliases) {
    return {
      reason: Reason.topicAliasInvalid,
      statement: "v5-3.3.2-9",
      detail: `Topic Alias ${alias} exceeds the maximum of ${topicAliases} (limits.topicAliases)`,
    };
  }
  connection.aliasesIn ??= [];
  if (packet.topic !== "") {
    const before = connection.aliasesIn[alias];
    connection.aliasesIn[alias] = packet.topic;
    connection.countAlias(broker.memory, packet.topic, before);
    return packet.topic;
  }
  return (
    connection.aliasesIn[alias] ?? {
      reason: Reason.protocolError,
      statement: "v5-3.3.2.3.4",
      detail: `Topic Alias ${alias} is not defined`,
    }
  );
}

/** Violations that end the connection; null: none. */
function violationOf(
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
      detail: `PUBLISH QoS ${packet.qos} exceeds the maximum of ${qos} (limits.qos)`,
    };
  }
  if (packet.retain && !retain) {
    return {
      reason: Reason.retainNotSupported,
      statement: "v5-3.2.2-14",
      detail: "PUBLISH with RETAIN, but retain is off (limits.retain)",
    };
  }
  if (tooLong(topic)) {
    const detail = "the topic with its mount point exceeds 65535 B";
    return { reason: Reason.topicNameInvalid, statement: "v5-1.5.4", detail };
  }
  if (tooDeep(topic, topicLevels)) {
    return {
      reason: Reason.topicNameInvalid,
      statement: "v5-4.7.3",
      detail: `the topic has more than ${topicLevels} levels (limits.topicLevels)`,
    };
  }
  // QoS 1 is acknowledged at once, so only QoS 2 can fill the Receive Maximum. v4 has none.
  // Messages left unfinished on an earlier connection do not count (v5-4.9).
  const { unfinished } = connection;
  if (
    packet.qos === 2 &&
    unfinished !== null &&
    unfinished.size >= receiveMaximum &&
    !unfinished.has(packet.packetId)
  ) {
    return {
      reason: Reason.receiveMaximumExceeded,
      statement: "v5-3.3.4-7",
      detail: `more than ${receiveMaximum} unfinished QoS 2 messages (limits.receiveMaximum)`,
    };
  }
  return null;
}

/** Refusals that keep the connection open; null: none. */
function refusalOf(
  broker: Broker,
  { listener, version }: Connection,
  session: Session,
  packet: PublishPacket,
  named: string,
): Refusal | null {
  if (isForServerOnly(listener.mountPoint, named)) {
    return { reason: Reason.notAuthorized, detail: "only the broker may publish below $SYS" };
  }
  const topic = listener.mountPoint + named;
  if (!mayWrite(broker, session, topic)) {
    const { by } = rightsOf(broker, session).verdict("write", topic);
    const detail = `the client may not publish on this topic: ${by}`;
    return { reason: Reason.notAuthorized, detail };
  }
  const bytes = payloadBytesOf(packet);
  if (bytes > broker.limits.payloadSize) {
    const detail = `the payload of ${bytes} B exceeds the limit of ${broker.limits.payloadSize} B (limits.payloadSize)`;
    return { reason: Reason.quotaExceeded, detail };
  }
  if (!packet.retain || packet.qos === 0 || version !== 5) return null;
  const { payload, properties } = packet;
  return refusalToRetain(broker, { topic, payload, properties });
}
