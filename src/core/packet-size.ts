import type { Copy } from "./copy.ts";
import type { Measured } from "./decision.ts";
import type { ConnackProperties, ProtocolVersion, ServerPacket } from "./packet.ts";
import { utf8Length } from "./topic.ts";

/**
 * The packet, fitted to a v5 client's Maximum Packet Size in bytes [v5-3.1.2-24]: without its
 * Reason String if that makes it too large [v5-3.2.2-19] [v5-3.14.2-3]. Null: still too large, so
 * it must not be sent [v5-3.1.2-25]. The broker's other packets have no Reason String, and none has
 * a User Property: [v5-3.1.2-29] [v5-3.2.2-20] [v5-3.4.2-2] and -3 [v5-3.5.2-2] and -3 [v5-3.6.2-2]
 * and -3 [v5-3.7.2-2] and -3 [v5-3.9.2-1] and -2 [v5-3.11.2-1] and -2 [v5-3.14.2-4].
 */
export function fitToSize(packet: ServerPacket, maximumPacketSize: number): ServerPacket | null {
  if (packetSize(packet) <= maximumPacketSize) return packet;
  if (packet.type === "disconnect" && packet.reasonString !== null) {
    return fitToSize({ ...packet, reasonString: null }, maximumPacketSize);
  }
  if (packet.type === "connack" && packet.properties?.reasonString !== undefined) {
    // A CONNACK with a Reason String refuses, and has no other property.
    return fitToSize({ ...packet, properties: null }, maximumPacketSize);
  }
  return null;
}

/** Bytes of a packet in MQTT 5.0, as `wire` encodes it. */
export function packetSize(packet: ServerPacket): number {
  const rest = restSize(packet);
  return 1 + integerSize(rest) + rest;
}

function restSize(packet: ServerPacket): number {
  switch (packet.type) {
    case "connack":
      return 2 + block(connackPropertiesSize(packet.properties ?? {}));
    case "disconnect":
      return 1 + block(packet.reasonString === null ? 0 : textSize(packet.reasonString));
    case "suback":
    case "unsuback":
      return 3 + packet.reasons.length;
    case "pingresp":
      return 0;
    default:
      return packet.reason === 0 ? 2 : 3;
  }
}

/** Bytes of the properties of a CONNACK, without their length. */
export function connackPropertiesSize(properties: ConnackProperties): number {
  const { assignedClientIdentifier, reasonString } = properties;
  return (
    (properties.sessionExpiryInterval === undefined ? 0 : 5) +
    (properties.receiveMaximum === undefined ? 0 : 3) +
    (properties.maximumQos === undefined ? 0 : 2) +
    (properties.retainAvailable === undefined ? 0 : 2) +
    (properties.maximumPacketSize === undefined ? 0 : 5) +
    (assignedClientIdentifier === undefined ? 0 : textSize(assignedClientIdentifier)) +
    (properties.topicAliasMaximum === undefined ? 0 : 3) +
    (reasonString === undefined ? 0 : textSize(reasonString)) +
    (properties.serverKeepAlive === undefined ? 0 : 3)
  );
}

/** Bytes of a string property: identifier, length and text. */
function textSize(text: string): number {
  return 3 + utf8Length(text);
}

/** Bytes of properties and their length prefix. */
function block(properties: number): number {
  return integerSize(properties) + properties;
}

/** Bytes of the PUBLISH that carries a message to a subscriber, without a Topic Alias. */
export function publishSize(
  message: Measured,
  { qos, identifiers }: Copy,
  version: ProtocolVersion,
  strip: number,
): number {
  const topic = utf8Length(strip === 0 ? message.topic : message.topic.slice(strip));
  let properties = 0;
  if (version === 5) {
    properties = (message.properties?.length ?? 0) + (message.expiresAt === null ? 0 : 5);
    for (const identifier of identifiers ?? []) properties += 1 + integerSize(identifier);
    properties += integerSize(properties);
  }
  const rest = 2 + topic + (qos === 0 ? 0 : 2) + properties + message.payload.length;
  return 1 + integerSize(rest) + rest;
}

/** Bytes that a Topic Alias adds to a PUBLISH: identifier, value, and growth of the two lengths. */
export const aliasBytes = 5;

/** Fixed header, topic length, packet id, property length, Message Expiry Interval. */
const publishHeadBytes = 5 + 2 + 2 + 4 + 5;

/** An upper bound of `publishSize` that does not look at characters. */
export function publishSizeBound({ topic, payload, properties }: Measured, copy: Copy): number {
  const identifierBytes = (copy.identifiers?.length ?? 0) * 5;
  const propertyBytes = (properties?.length ?? 0) + identifierBytes;
  return publishHeadBytes + topic.length * 3 + propertyBytes + payload.length;
}

/** Bytes of a Variable Byte Integer. */
export function integerSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
