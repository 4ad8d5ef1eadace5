import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import type { ConnackPacket, ConnackProperties, ConnectPacket } from "./packet.ts";
import { Reason } from "./reason.ts";

/** A Session Expiry Interval of "never" on the wire (v5 section 3.1.2.11.2). */
const noExpiry = 0xffff_ffff;

/** The CONNACK for an accepted CONNECT. */
export function connackFor(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  sessionPresent: boolean,
): ConnackPacket {
  const properties = packet.version === 5 ? connackProperties(broker, connection, packet) : null;
  return { type: "connack", sessionPresent, reason: Reason.success, properties };
}

/**
 * Seconds. CONNACK sends it to a v5 client that asked for another value [v5-3.1.2-21]
 * [v5-3.2.2-22].
 */
export function keepAliveSecondsInForce(broker: Broker, packet: ConnectPacket): number {
  const maximum = broker.limits.keepAliveMaxSeconds;
  if (packet.version !== 5 || maximum === Infinity) return packet.keepAliveSeconds;
  return packet.keepAliveSeconds === 0 ? maximum : Math.min(packet.keepAliveSeconds, maximum);
}

/**
 * Seconds that a session outlives its connection [v4-3.1.2-4] [v4-3.1.2-6] [v5-3.1.2-23]; Infinity:
 * never expires.
 */
export function sessionExpirySecondsInForce(broker: Broker, packet: ConnectPacket): number {
  return Math.min(sessionExpirySecondsAsked(packet), broker.limits.sessionExpiryMaxSeconds);
}

/** The same as CONNECT asks for it. MQTT 3.1 and 3.1.1 keep a session for ever, or not at all. */
export function sessionExpirySecondsAsked(packet: ConnectPacket): number {
  if (packet.version !== 5) return packet.cleanStart ? 0 : Infinity;
  return expirySecondsOf(packet.sessionExpiryInterval ?? 0);
}

/** Seconds of a Session Expiry Interval, comparable; Infinity: never expires. */
export function expirySecondsOf(interval: number): number {
  return interval === noExpiry ? Infinity : interval;
}

/**
 * The broker's limits, and what it decided for the client [v5-3.1.3-7] [v5-3.2.2-9] [v5-3.2.2-16].
 * Never Response Information or an Authentication Method [v5-3.1.2-28] [v5-4.12.0-6].
 */
function connackProperties(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
): ConnackProperties {
  const { qos, receiveMaximum, retain, topicAliases } = connection.announced;
  const maximumPacketSize = connection.announced.packetSize;
  const expiry = sessionExpirySecondsInForce(broker, packet);
  const keepAlive = keepAliveSecondsInForce(broker, packet);
  return {
    ...(expiry !== expirySecondsOf(packet.sessionExpiryInterval ?? 0) && {
      sessionExpiryInterval: expiry === Infinity ? noExpiry : expiry,
    }),
    ...(receiveMaximum < 65_535 && { receiveMaximum }),
    ...(qos < 2 && { maximumQos: qos === 1 ? 1 : 0 }),
    ...(!retain && { retainAvailable: false }),
    ...(maximumPacketSize !== Infinity && { maximumPacketSize }),
    ...(packet.clientId === "" && { assignedClientIdentifier: connection.token }),
    ...(topicAliases > 0 && { topicAliasMaximum: topicAliases }),
    ...(keepAlive !== packet.keepAliveSeconds && { serverKeepAlive: keepAlive }),
  };
}
