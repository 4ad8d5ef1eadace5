import { connackPropertiesSize, packetSize } from "../core/packet-size.ts";
import type {
  ConnackPacket,
  ConnackProperties,
  ProtocolVersion,
  ServerDisconnectPacket,
  ServerPacket,
  SubackPacket,
  UnsubackPacket,
} from "../core/packet.ts";
import { connackReturnCode } from "../core/reason.ts";
import { utf8Length } from "../core/topic.ts";
import { writeAck, writePingresp } from "./ack.ts";
import { writeText } from "./utf8.ts";
import { variableSize, writeVariable } from "./variable.ts";

/** The broker's packets other than PUBLISH. */

/** Bytes of a packet; 0: the version lacks it (DISCONNECT in v3, v4). */
export function answerSize(packet: ServerPacket, version: ProtocolVersion): number {
  if (version === 5) return packetSize(packet);
  switch (packet.type) {
    case "disconnect":
      return 0;
    case "pingresp":
      return 2;
    case "suback": {
      const rest = 2 + packet.reasons.length;
      return 1 + variableSize(rest) + rest;
    }
    default:
      return 4;
  }
}

/** Writes a packet at target[offset..] and returns the offset behind it. */
export function writeAnswer(
  target: Uint8Array,
  offset: number,
  packet: ServerPacket,
  version: ProtocolVersion,
): number {
  switch (packet.type) {
    case "connack":
      return writeConnack(target, offset, packet, version);
    case "suback":
      return writeSuback(target, offset, packet, version);
    case "unsuback":
      return writeUnsuback(target, offset, packet, version);
    case "disconnect":
      return version === 5 ? writeDisconnect(target, offset, packet) : offset;
    case "pingresp":
      return writePingresp(target, offset);
    default:
      return writeAck(target, offset, packet.type, version, packet.packetId, packet.reason);
  }
}

function writeConnack(
  target: Uint8Array,
  offset: number,
  { reason, sessionPresent, properties }: ConnackPacket,
  version: ProtocolVersion,
): number {
  target[offset] = 0x20;
  if (version !== 5) {
    target[offset + 1] = 2;
    // MQTT 3.1 reserves that byte.
    target[offset + 2] = version === 4 && sessionPresent ? 1 : 0;
    target[offset + 3] = connackReturnCode(reason);
    return offset + 4;
  }
  const block = connackPropertiesSize(properties ?? {});
  let at = writeVariable(target, offset + 1, 2 + variableSize(block) + block);
  target[at] = sessionPresent ? 1 : 0;
  target[at + 1] = reason;
  at = writeVariable(target, at + 2, block);
  return properties === null ? at : writeConnackProperties(target, at, properties);
}

function writeConnackProperties(
  target: Uint8Array,
  offset: number,
  properties: ConnackProperties,
): number {
  const { sessionExpiryInterval, receiveMaximum, retainAvailable, maximumPacketSize } = properties;
  const { assignedClientIdentifier, topicAliasMaximum, reasonString } = properties;
  const { serverKeepAlive, maximumQos } = properties;
  let at = offset;
  if (sessionExpiryInterval !== undefined) at = writeFour(target, at, 0x11, sessionExpiryInterval);
  if (receiveMaximum !== undefined) at = writeTwo(target, at, 0x21, receiveMaximum);
  if (retainAvailable !== undefined) at = writeOne(target, at, 0x25, retainAvailable ? 1 : 0);
  if (maximumPacketSize !== undefined) at = writeFour(target, at, 0x27, maximumPacketSize);
  if (assignedClientIdentifier !== undefined)
    at = writeString(target, at, 0x12, assignedClientIdentifier);
  if (topicAliasMaximum !== undefined) at = writeTwo(target, at, 0x22, topicAliasMaximum);
  if (reasonString !== undefined) at = writeString(target, at, 0x1f, reasonString);
  if (serverKeepAlive !== undefined) at = writeTwo(target, at, 0x13, serverKeepAlive);
  if (maximumQos !== undefined) at = writeOne(target, at, 0x24, maximumQos);
  return at;
}

/**
 * 3.1.1 has one failure code, 0x80 (v4-3.9.3-2); 3.1 has none, but its clients read 0x80 as one.
 */
function writeSuback(
  target: Uint8Array,
  offset: number,
  { packetId, reasons }: SubackPacket,
  version: ProtocolVersion,
): number {
  const start = writeHead(target, offset, 0x90, packetId, reasons.length, version);
  const end = start + reasons.length;
  target.set(reasons, start);
  if (version !== 5)
    for (let at = start; at < end; at++) if (target[at]! >= 0x80) target[at] = 0x80;
  return end;
}

function writeUnsuback(
  target: Uint8Array,
  offset: number,
  { packetId, reasons }: UnsubackPacket,
  version: ProtocolVersion,
): number {
  if (version !== 5) return writeHead(target, offset, 0xb0, packetId, 0, version);
  let at = writeHead(target, offset, 0xb0, packetId, reasons.length, version);
  for (const reason of reasons) target[at++] = reason;
  return at;
}

/** First byte, Remaining Length, Packet Identifier and, in v5, no properties. */
function writeHead(
  target: Uint8Array,
  offset: number,
  first: number,
  packetId: number,
  codes: number,
  version: ProtocolVersion,
): number {
  target[offset] = first;
  let at = writeVariable(target, offset + 1, (version === 5 ? 3 : 2) + codes);
  target[at++] = packetId >>> 8;
  target[at++] = packetId & 0xff;
  if (version === 5) target[at++] = 0;
  return at;
}

/** A server sends no Session Expiry Interval [v5-3.14.2-2]. */
function writeDisconnect(
  target: Uint8Array,
  offset: number,
  { reason, reasonString }: ServerDisconnectPacket,
): number {
  const block = reasonString === null ? 0 : 3 + utf8Length(reasonString);
  target[offset] = 0xe0;
  let at = writeVariable(target, offset + 1, 1 + variableSize(block) + block);
  target[at] = reason;
  at = writeVariable(target, at + 1, block);
  return reasonString === null ? at : writeString(target, at, 0x1f, reasonString);
}

function writeOne(target: Uint8Array, at: number, identifier: number, value: number): number {
  target[at] = identifier;
  target[at + 1] = value;
  return at + 2;
}

function writeTwo(target: Uint8Array, at: number, identifier: number, value: number): number {
  target[at] = identifier;
  target[at + 1] = value >>> 8;
  target[at + 2] = value & 0xff;
  return at + 3;
}

function writeFour(target: Uint8Array, at: number, identifier: number, value: number): number {
  const low = writeTwo(target, at, identifier, value >>> 16);
  target[low] = (value >>> 8) & 0xff;
  target[low + 1] = value & 0xff;
  return low + 2;
}

function writeString(target: Uint8Array, at: number, identifier: number, text: string): number {
  const end = writeText(target, at + 3, text, 0);
  writeTwo(target, at, identifier, end - at - 3);
  return end;
}
