import type { Broker } from "./broker.ts";
import { connackFor, sessionExpirySecondsInForce } from "./connack.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { connackReasonOf } from "./failed-store.ts";
import { changeToKeep } from "./late-resume.ts";
import { packetSize } from "./packet-size.ts";
import type { ConnectPacket } from "./packet.ts";
import { Reason, type ProtocolError, type ReasonCode } from "./reason.ts";
import { makeRoomAmongSessions, makeRoomInMemory } from "./relief.ts";
import { sessionBytes } from "./session.ts";
import { willBytes } from "./will.ts";
import { isForServerOnly, tooDeep, tooLong } from "./topic.ts";

/** Refuses a CONNECT for its own content, before authentication; null: nothing wrong. */
export function refusalByPacket(packet: ConnectPacket): ProtocolError | null {
  if (packet.authenticationMethod !== null) {
    return {
      reason: Reason.badAuthenticationMethod,
      statement: "v5-4.12.0-1",
      detail: "no enhanced authentication method is configured",
    };
  }
  if (packet.clientId === "" && packet.version === 4 && !packet.cleanStart) {
    return {
      reason: Reason.clientIdentifierNotValid,
      statement: "v4-3.1.3-8",
      detail: "an empty client id needs Clean Session 1",
    };
  }
  // 3.1 also limits a client id to 23 characters, which no broker enforces any more.
  if (packet.clientId === "" && packet.version === 3) {
    return {
      reason: Reason.clientIdentifierNotValid,
      statement: "v3-3.1",
      detail: "MQTT 3.1 does not allow an empty client id",
    };
  }
  return null;
}

/** Refuses a CONNECT for the broker's limits, access list or state; null: it may be accepted. */
export function refusalByState(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): ProtocolError | null {
  return (
    refusalByWill(broker, connection, packet, clientId) ??
    refusalByStop(broker) ??
    refusalBySize(broker, connection, packet)
  );
}

/**
 * Sends a CONNACK that refuses, then closes [v4-3.1.3-9] [v4-3.2.2-4] [v4-3.2.2-5] [v5-3.1.3-8]
 * [v5-3.2.2-6] [v5-3.2.2-7]: nothing more of the connection is processed [v4-3.1.4-5] [v5-3.1.4-6].
 * A refused CONNECT arms no will, so it publishes none.
 */
export function refuse(
  broker: Broker,
  connection: Connection,
  error: ProtocolError,
  packet: ConnectPacket | null = null,
): void {
  broker.records.refused(connection, packet);
  broker.send(connection, {
    type: "connack",
    sessionPresent: false,
    reason: error.reason,
    properties:
      connection.version === 5 && error.isUntold !== true ? { reasonString: error.detail } : null,
  });
  endConnection(broker, connection, "refused", { ...error });
}

function refusalByWill(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): ProtocolError | null {
  const will = packet.will;
  if (will === null) return null;
  const { limits, rules } = broker;
  const { qos, retain } = connection.announced;
  if (will.qos > qos) {
    const detail = `Will QoS ${will.qos} exceeds the maximum of ${qos} (limits.qos)`;
    return refusal(Reason.qosNotSupported, "v5-3.2.2-12", detail);
  }
  if (will.retain && !retain) {
    return refusal(
      Reason.retainNotSupported,
      "v5-3.2.2-13",
      "Will Retain is set, but retain is off (limits.retain)",
    );
  }
  if (will.payload.length > limits.payloadSize) {
    const detail = `the will payload of ${will.payload.length} B exceeds the limit of ${limits.payloadSize} B (limits.payloadSize)`;
    return refusal(Reason.packetTooLarge, "v5-3.1.3.4", detail);
  }
  if (will.payload.length === 0 && rules.emptyWill === "refused") {
    return refusal(Reason.implementationSpecificError, "v5-3.1.3.4", "the will payload is empty");
  }
  const topic = connection.listener.mountPoint + will.topic;
  if (tooLong(topic)) {
    const detail = "the will topic with its mount point exceeds 65535 B";
    return refusal(Reason.topicNameInvalid, "v5-1.5.4", detail);
  }
  if (tooDeep(topic, limits.topicLevels)) {
    const detail = `the will topic has more than ${limits.topicLevels} levels (limits.topicLevels)`;
    return refusal(Reason.topicNameInvalid, "v5-4.7.3", detail);
  }
  const who = { clientId, username: packet.username };
  if (isForServerOnly(connection.listener.mountPoint, will.topic)) {
    const detail = "the will topic is below $SYS, where only the broker may publish";
    return refusal(Reason.notAuthorized, "v5-3.1.4-2", detail);
  }
  if (rules.deniedWill !== "refused") return null;
  const list = broker.access.of(connection.listener.accessList ?? null);
  const rights = list.rightsOf(who);
  if (rights.mayWrite(topic)) return null;
  const { by } = rights.verdict("write", topic);
  const detail = "the client may not publish on its will topic";
  return { ...refusal(Reason.notAuthorized, "v5-3.1.4-2", detail), by };
}

function refusalByStop({ stopping }: Broker): ProtocolError | null {
  if (!stopping) return null;
  return refusal(Reason.serverShuttingDown, "v5-3.1.4-2", "the broker is shutting down");
}

/** Refuses a CONNECT of which something would have to be kept, while the store keeps nothing. */
export function refusalByStore(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): ProtocolError | null {
  const { failedStore, sessions } = broker;
  if (failedStore === null) return null;
  const before = sessions.get(clientId)?.expiryIntervalSeconds ?? 0;
  const isKept = packet.will !== null || sessionExpirySecondsInForce(broker, packet) > 0;
  if (!isKept && before === 0) return null;
  const { failure } = failedStore;
  const change = changeToKeep(broker, connection, packet, clientId);
  if (change === null && failure.isNoted) return null;
  const told = `the broker can't keep ${change ?? "that it is back"}: ${failure.detail}`;
  return refusal(connackReasonOf(failure), "v5-3.1.4-2", told);
}

/**
 * Refuses a CONNECT for which there is no room, after the oldest sessions that nobody uses had to
 * give way; null: there is room. Call it for a CONNECT that nothing else refuses.
 */
export function refusalByRoom(
  broker: Broker,
  { listener }: Connection,
  { will, username }: ConnectPacket,
  clientId: string,
): ProtocolError | null {
  const { limits, memory, pressure, sessions } = broker;
  const isNew = !sessions.has(clientId);
  if (isNew && !makeRoomAmongSessions(broker)) {
    const detail = `the limit of ${limits.sessions} sessions is reached (limits.sessions)`;
    return refusal(Reason.quotaExceeded, "v5-3.1.4-2", detail);
  }
  let bytes = will === null ? 0 : willBytes(listener.mountPoint + will.topic, will);
  // A client that returns takes its messages, which clears memory.
  const hasRoom = memory.hasRoom(bytes) || pressure.isOverfull;
  if (!isNew && bytes <= smallWill && hasRoom) return null;
  if (isNew) bytes += sessionBytes(clientId, username);
  if (makeRoomInMemory(broker, bytes)) return null;
  const detail = `little memory is left of ${memory.limit} B (limits.memory)`;
  return refusal(Reason.quotaExceeded, "v5-3.1.4-2", detail);
}

/** Bytes of a will that are not refused to a client with a session. */
const smallWill = 16 * 1024;

/** A CONNACK too large to send would leave the client without the broker's limits [v5-3.1.2-24]. */
function refusalBySize(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
): ProtocolError | null {
  const maximum = connection.maximumPacketSize;
  if (maximum === Infinity || packet.version !== 5) return null;
  const size = packetSize(connackFor(broker, connection, packet, false));
  if (size <= maximum) return null;
  const detail = `CONNACK of ${size} B exceeds the client's Maximum Packet Size of ${maximum} B`;
  return refusal(Reason.packetTooLarge, "v5-3.1.2-24", detail);
}

function refusal(reason: ReasonCode, statement: string, detail: string): ProtocolError {
  return { reason, statement, detail };
}
