import type { Delivery } from "../core/io.ts";
import type { Frame, Message, ProtocolVersion, PublishPacket, Qos } from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import { utf8Length } from "../core/topic.ts";
import { Cursor } from "./cursor.ts";
import { violation, malformed, refused } from "./violation.ts";
import { forwardedProperties, payloadMatchesFormat, walkProperties } from "./property.ts";
import type { TopicNames } from "./topics.ts";
import { writeText } from "./utf8.ts";
import { variableSize, writeVariable } from "./variable.ts";

const typeBits = 0x30;
const dupBit = 0x08;
const retainBit = 0x01;

/**
 * Reads the PUBLISH whose first byte is at `start` and whose body is bytes[body..end). Payload and
 * properties may be subarrays of `bytes`, valid as long as the frame is.
 */
export function readPublish(
  bytes: Uint8Array,
  start: number,
  body: number,
  end: number,
  version: ProtocolVersion,
  topics: TopicNames,
): PublishPacket | ProtocolError {
  const first = bytes[start] ?? 0;
  const dup = (first & dupBit) !== 0;
  const qos = qosOf(first);
  if (qos === null) return malformed(version, "3.3.1-4", "3.3.1-4", "QoS of a PUBLISH is 3");
  if (dup && qos === 0) return refused(version, "3.3.1-2", "3.3.1-2", "DUP with QoS 0");

  const topicStart = body + 2;
  const topicEnd = topicStart + (((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0));
  let position = topicEnd + (qos === 0 ? 0 : 2);
  if (topicStart > end || position > end) {
    return malformed(
      version,
      "2.2.3",
      "2.1.4",
      "packet ends within Topic Name or Packet Identifier",
    );
  }
  const topic = topicStart === topicEnd ? "" : topics.read(bytes, topicStart, topicEnd, version);
  if (typeof topic !== "string") return topic;

  let packetId = 0;
  if (qos !== 0) {
    packetId = ((bytes[topicEnd] ?? 0) << 8) | (bytes[topicEnd + 1] ?? 0);
    if (packetId === 0) return refused(version, "2.3.1-1", "2.2.1-3", "Packet Identifier is 0");
  }

  let properties: Uint8Array | null = null;
  let expirySeconds: number | null = null;
  let topicAlias = 0;
  if (version === 5) {
    if (position < end && bytes[position] === 0) {
      position += 1;
    } else {
      const cursor = new Cursor(bytes, position, end, version);
      const block = walkProperties(cursor, "publish");
      if (cursor.error !== null) return cursor.error;
      position = block.end;
      if (!payloadMatchesFormat(block, bytes, position, end)) {
        const detail = "payload is not the UTF-8 that its Payload Format Indicator says";
        return violation(Reason.payloadFormatInvalid, version, "", "3.3.2.3.2", detail);
      }
      properties = forwardedProperties(bytes, block);
      expirySeconds = block.expirySeconds;
      topicAlias = block.topicAlias;
    }
  }
  if (topic === "" && topicAlias === 0) {
    if (version === 5) return refused(version, "", "3.3.2.1", "neither Topic Name nor Topic Alias");
    return refused(version, "4.7.3-1", "", "Topic Name is empty");
  }

  const frame = isShortest(start, body, end) ? { bytes, start, end, version } : null;
  const packet = new ReceivedPublish(first, qos, topic, packetId, bytes, position, end, frame);
  if (version === 5) {
    packet.properties = properties;
    packet.expirySeconds = expirySeconds;
    packet.topicAlias = topicAlias;
  }
  return packet;
}

/** A PUBLISH in the bytes that it came in. The view of its payload is made when it is first read. */
class ReceivedPublish implements PublishPacket {
  readonly type = "publish";
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
  properties: Uint8Array | null = null;
  expirySeconds: number | null = null;
  topicAlias = 0;
  readonly frame: Frame | null;
  readonly #bytes: Uint8Array;
  /** Of the payload. */
  readonly #start: number;
  readonly #end: number;
  #payload: Uint8Array | null = null;

  constructor(
    first: number,
    qos: Qos,
    topic: string,
    packetId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    frame: Frame | null,
  ) {
    this.topic = topic;
    this.qos = qos;
    this.retain = (first & retainBit) !== 0;
    this.dup = (first & dupBit) !== 0;
    this.packetId = packetId;
    this.frame = frame;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  get payload(): Uint8Array {
    return (this.#payload ??= this.#bytes.subarray(this.#start, this.#end));
  }

  get payloadBytes(): number {
    return this.#end - this.#start;
  }
}

/**
 * Whether Remaining Length is in its shortest form. v4 allows longer forms, but a subscriber's
 * bytes must not depend on the publisher's encoding.
 */
function isShortest(start: number, body: number, end: number): boolean {
  return body - start === 1 + variableSize(end - body);
}

/** The QoS in a first byte; null: 3, which is none. */
export function qosOf(first: number): Qos | null {
  const qos = (first >> 1) & 3;
  return qos === 0 || qos === 1 || qos === 2 ? qos : null;
}

/**
 * Size of the PUBLISH that `writePublish` writes for the same arguments, bytes. For messages read
 * from the wire within the configured limits, never more than a packet may have (268,435,455 after
 * its header).
 */
export function publishSize(
  message: Message,
  delivery: Delivery,
  expirySeconds: number | null,
): number {
  const remaining = remainingLength(message, delivery, expirySeconds);
  return 1 + variableSize(remaining) + remaining;
}

/**
 * Writes one copy at target[offset..], which must have room for `publishSize`, and returns the
 * offset behind it. v5 properties: Message Expiry Interval, Topic Alias, Subscription Identifiers,
 * then the publisher's own in its order (v5-3.3.2-18); v3 and v4 have none. `packetId`: not with
 * QoS 0 [v4-2.3.1-5] [v5-2.2.1-2]. `expirySeconds`: the
 * remaining expiry (v5-3.3.2-6).
 */
export function writePublish(
  target: Uint8Array,
  offset: number,
  message: Message,
  delivery: Delivery,
  packetId: number,
  expirySeconds: number | null,
): number {
  const at = writePublishHead(target, offset, message, delivery, packetId, expirySeconds);
  target.set(message.payload, at);
  return at + message.payload.length;
}

/** As `writePublish`, without the payload; the caller writes it next. */
export function writePublishHead(
  target: Uint8Array,
  offset: number,
  message: Message,
  delivery: Delivery,
  packetId: number,
  expirySeconds: number | null,
): number {
  target[offset] = firstByte(delivery);
  let at = writeVariable(target, offset + 1, remainingLength(message, delivery, expirySeconds));
  const topicAt = at + 2;
  at = delivery.aliasKnown ? topicAt : writeText(target, topicAt, message.topic, delivery.strip);
  writeTwoBytes(target, topicAt - 2, at - topicAt);
  if (delivery.qos !== 0) at = writeTwoBytes(target, at, packetId);
  if (delivery.version === 5) at = writeProperties(target, at, message, delivery, expirySeconds);
  return at;
}

/** The first byte of a copy, with the delivery's DUP, QoS and RETAIN. */
export function firstByte(delivery: Delivery): number {
  return (
    typeBits | (delivery.dup ? dupBit : 0) | (delivery.qos << 1) | (delivery.retain ? retainBit : 0)
  );
}

/**
 * Offset of the Packet Identifier from the start of an encoded PUBLISH with QoS 1 or 2. Code that
 * encodes once and copies keeps it beside the bytes.
 */
export function packetIdOffset(encoded: Uint8Array, start: number): number {
  let at = start + 1;
  while ((encoded[at] ?? 0) >= 0x80) at += 1;
  const topicLength = ((encoded[at + 1] ?? 0) << 8) | (encoded[at + 2] ?? 0);
  return at + 3 + topicLength - start;
}

/**
 * Adapts a copied PUBLISH at `start` to a delivery: sets its first byte and, for QoS 1 and 2, its
 * Packet Identifier, `idOffset` bytes further. The copied encoding must have one exactly if QoS is
 * not 0.
 */
export function patchPublish(
  target: Uint8Array,
  start: number,
  idOffset: number,
  delivery: Delivery,
  packetId: number,
): void {
  target[start] = firstByte(delivery);
  if (delivery.qos !== 0) writeTwoBytes(target, start + idOffset, packetId);
}

function remainingLength(
  message: Message,
  delivery: Delivery,
  expirySeconds: number | null,
): number {
  // `strip` counts characters of the mount point, but the size counts bytes.
  const topic = delivery.strip === 0 ? message.topic : message.topic.slice(delivery.strip);
  let size = 2 + (delivery.aliasKnown ? 0 : utf8Length(topic)) + message.payload.length;
  if (delivery.qos !== 0) size += 2;
  if (delivery.version === 5) {
    const properties = propertiesSize(message, delivery, expirySeconds);
    size += variableSize(properties) + properties;
  }
  return size;
}

function propertiesSize(
  message: Message,
  delivery: Delivery,
  expirySeconds: number | null,
): number {
  let size = message.properties === null ? 0 : message.properties.length;
  if (expirySeconds !== null) size += 5;
  if (delivery.alias !== 0) size += 3;
  if (delivery.subscriptionIdentifiers !== null) {
    for (const identifier of delivery.subscriptionIdentifiers) size += 1 + variableSize(identifier);
  }
  return size;
}

function writeProperties(
  target: Uint8Array,
  offset: number,
  message: Message,
  delivery: Delivery,
  expirySeconds: number | null,
): number {
  let at = writeVariable(target, offset, propertiesSize(message, delivery, expirySeconds));
  if (expirySeconds !== null) {
    target[at] = 0x02;
    at = writeTwoBytes(target, at + 1, expirySeconds >>> 16);
    at = writeTwoBytes(target, at, expirySeconds & 0xffff);
  }
  if (delivery.alias !== 0) {
    target[at] = 0x23;
    at = writeTwoBytes(target, at + 1, delivery.alias);
  }
  if (delivery.subscriptionIdentifiers !== null) {
    for (const identifier of delivery.subscriptionIdentifiers) {
      target[at] = 0x0b;
      at = writeVariable(target, at + 1, identifier);
    }
  }
  if (message.properties !== null) {
    target.set(message.properties, at);
    at += message.properties.length;
  }
  return at;
}

function writeTwoBytes(target: Uint8Array, offset: number, value: number): number {
  target[offset] = value >>> 8;
  target[offset + 1] = value & 0xff;
  return offset + 2;
}
