import { Buffer } from "node:buffer";
import { generate, parser, writeToStream, type Packet } from "mqtt-packet";
import { assert } from "../core/assert.ts";
import type {
  AuthPacket,
  ConnackPacket,
  ConnectPacket,
  DisconnectPacket,
  ProtocolVersion,
  ServerDisconnectPacket,
  ServerPacket,
  SubackPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubackPacket,
  UnsubscribePacket,
  WillPacket,
} from "../core/packet.ts";
import { connackReturnCode, Reason, type ProtocolError } from "../core/reason.ts";
import { PacketType, type ConnectWalk } from "./grammar.ts";
import { ackMaximumSize, writeAck, writePingresp } from "./ack.ts";
import { forwardedProperties, type PropertyBlock } from "./property.ts";

/**
 * Packets outside the hot path, by way of mqtt-packet. It is lenient, so it only decodes frames
 * that the grammar has accepted.
 */

export type ColdPacket =
  ConnectPacket | SubscribePacket | UnsubscribePacket | DisconnectPacket | AuthPacket;

// By default mqtt-packet allocates 65,536 small buffers at its first packet, one for each two-byte
// integer: several mebibytes and milliseconds for packets that are rare here.
writeToStream.cacheNumbers = false;

/**
 * Decodes the frame bytes[start..end), which the grammar has accepted. The result does not refer to
 * `bytes`. `connect`: the grammar's walk of a CONNECT; null: any other packet.
 */
export function decodeCold(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  connect: ConnectWalk | null,
): ColdPacket | ProtocolError {
  const packet = parseFrame(bytes, start, end, version, connect);
  switch (packet?.cmd) {
    case "connect":
      return connectFrom(packet, version, bytes, connect);
    case "subscribe":
      return subscribeFrom(packet);
    case "unsubscribe":
      return {
        type: "unsubscribe",
        packetId: packet.messageId ?? 0,
        filters: packet.unsubscriptions,
      };
    case "disconnect":
      return {
        type: "disconnect",
        reason: packet.reasonCode ?? 0,
        sessionExpiryInterval: packet.properties?.sessionExpiryInterval ?? null,
        reasonString: packet.properties?.reasonString ?? null,
      };
    case "auth":
      return { type: "auth", reason: packet.reasonCode };
    default:
      // The grammar and mqtt-packet disagree. The fault is ours, but one client must not be able to
      // end the process with it.
      return {
        reason: Reason.implementationSpecificError,
        statement: "v5-4.13",
        detail: "the packet could not be decoded",
      };
  }
}

/** Creates a parser for each packet, so that no state of one packet affects the next. */
function parseFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
  connect: ConnectWalk | null,
): Packet | null {
  // A copy, since mqtt-packet returns views of its input.
  const frame = Buffer.from(bytes.subarray(start, end));
  // mqtt-packet refuses flags that MQTT 3.1 ignores.
  if (version === 3) frame[0] = withoutUnusedFlags(frame[0] ?? 0);
  if (connect !== null) frame[connect.flagsAt - start] = connect.flags;
  let decoded: Packet | null = null;
  let failed = false;
  const parse = parser({ protocolVersion: version });
  parse.on("packet", (packet) => (decoded ??= packet));
  parse.on("error", () => (failed = true));
  const rest = parse.parse(frame);
  return failed || rest > 0 ? null : decoded;
}

function withoutUnusedFlags(first: number): number {
  const type = first >> 4;
  const isQos1 = type === PacketType.subscribe || type === PacketType.unsubscribe;
  return (type << 4) | (isQos1 ? 2 : 0);
}

type ParsedConnect = Extract<Packet, { cmd: "connect" }>;
type ParsedSubscribe = Extract<Packet, { cmd: "subscribe" }>;

function connectFrom(
  packet: ParsedConnect,
  version: ProtocolVersion,
  bytes: Uint8Array,
  connect: ConnectWalk | null,
): ConnectPacket {
  const { properties } = packet;
  return {
    type: "connect",
    version,
    bridge: connect?.bridge ?? false,
    clientId: packet.clientId,
    cleanStart: packet.clean ?? false,
    keepAliveSeconds: packet.keepalive ?? 0,
    username: packet.username ?? null,
    password: packet.password === undefined ? null : ownBytes(packet.password),
    will: packet.will === undefined ? null : willFrom(packet.will, bytes, connect?.will ?? null),
    sessionExpiryInterval: properties?.sessionExpiryInterval ?? null,
    receiveMaximum: properties?.receiveMaximum ?? 65_535,
    maximumPacketSize: properties?.maximumPacketSize ?? null,
    topicAliasMaximum: properties?.topicAliasMaximum ?? 0,
    requestProblemInformation: properties?.requestProblemInformation ?? true,
    authenticationMethod: properties?.authenticationMethod ?? null,
  };
}

/** Takes the properties from the frame: mqtt-packet loses their order. */
function willFrom(
  will: NonNullable<ParsedConnect["will"]>,
  bytes: Uint8Array,
  block: PropertyBlock | null,
): WillPacket {
  return {
    topic: will.topic,
    payload: ownBytes(will.payload),
    qos: will.qos ?? 0,
    retain: will.retain ?? false,
    delayIntervalSeconds: block?.willDelayInterval ?? 0,
    expirySeconds: block?.expirySeconds ?? null,
    properties: block === null ? null : (forwardedProperties(bytes, block)?.slice() ?? null),
  };
}

/** A plain Uint8Array with its own memory; a Buffer's `slice` would be a view. */
function ownBytes(value: Uint8Array | string): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : new Uint8Array(value);
}

function subscribeFrom(packet: ParsedSubscribe): SubscribePacket {
  return {
    type: "subscribe",
    packetId: packet.messageId ?? 0,
    subscriptionIdentifier: packet.properties?.subscriptionIdentifier ?? null,
    subscriptions: packet.subscriptions.map((subscription): SubscriptionRequest => {
      const { topic, qos, nl, rap, rh } = subscription;
      return {
        filter: topic,
        qos,
        noLocal: nl ?? false,
        retainAsPublished: rap ?? false,
        retainHandling: rh === 1 || rh === 2 ? rh : 0,
      };
    }),
  };
}

/** A packet as new bytes; empty if the version lacks the packet (DISCONNECT in v3, v4). */
export function encodeServerPacket(packet: ServerPacket, version: ProtocolVersion): Uint8Array {
  switch (packet.type) {
    case "connack":
      return encodeConnack(packet, version);
    case "suback":
      return encodeSuback(packet, version);
    case "unsuback":
      return encodeUnsuback(packet, version);
    case "disconnect":
      return version === 5 ? encodeDisconnect(packet) : new Uint8Array(0);
    case "pingresp": {
      const encoded = new Uint8Array(2);
      writePingresp(encoded, 0);
      return encoded;
    }
    default: {
      const encoded = new Uint8Array(ackMaximumSize);
      const { type, packetId, reason } = packet;
      return encoded.subarray(0, writeAck(encoded, 0, type, version, packetId, reason));
    }
  }
}

function encodeConnack(packet: ConnackPacket, version: ProtocolVersion): Uint8Array {
  if (version !== 5) {
    return encode(version, {
      cmd: "connack",
      returnCode: connackReturnCode(packet.reason),
      // MQTT 3.1 reserves that byte.
      sessionPresent: version === 4 && packet.sessionPresent,
    });
  }
  const { maximumQos, ...others } = packet.properties ?? {};
  return encode(version, {
    cmd: "connack",
    reasonCode: packet.reason,
    sessionPresent: packet.sessionPresent,
    properties: maximumQos === undefined ? others : { ...others, maximumQoS: maximumQos },
  });
}

/**
 * 3.1.1 has one failure code, 0x80 (v4-3.9.3-2); 3.1 has none, but its clients read 0x80 as one.
 */
function encodeSuback(packet: SubackPacket, version: ProtocolVersion): Uint8Array {
  const granted =
    version === 5
      ? [...packet.reasons]
      : packet.reasons.map((reason) => (reason >= 0x80 ? 0x80 : reason));
  return encode(version, { cmd: "suback", messageId: packet.packetId, granted });
}

function encodeUnsuback(packet: UnsubackPacket, version: ProtocolVersion): Uint8Array {
  const granted = [...packet.reasons];
  return encode(version, { cmd: "unsuback", messageId: packet.packetId, granted });
}

/** A server sends no Session Expiry Interval [v5-3.14.2-2]. */
function encodeDisconnect(packet: ServerDisconnectPacket): Uint8Array {
  return encode(5, {
    cmd: "disconnect",
    reasonCode: packet.reason,
    properties: packet.reasonString === null ? {} : { reasonString: packet.reasonString },
  });
}

function encode(version: ProtocolVersion, packet: Packet): Uint8Array {
  const encoded = generate(packet, { protocolVersion: version });
  assert(encoded.length > 1, `mqtt-packet made no ${packet.cmd}`);
  return new Uint8Array(encoded);
}
