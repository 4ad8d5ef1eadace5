import type { ProtocolVersion } from "../../core/packet.ts";
import { connectProtocol } from "../../wire/connect.ts";
import { PacketType } from "../../wire/grammar.ts";
import type { ProtocolBy } from "./node.ts";

/** The offsets of a packet: first byte, body, and end by its header. */
export interface Frame {
  readonly start: number;
  readonly body: number;
  /** Infinity: the length can't be read. */
  readonly end: number;
  /** Why the length can't be read; null: it can. */
  readonly lengthFlaw: "incomplete" | "endless" | null;
}

/** The protocol version of a packet, and how it is known. */
export interface Spoken {
  readonly protocol: ProtocolVersion;
  readonly by: ProtocolBy;
}

/** The packet that begins at `start`, by its Remaining Length. */
export function frameAt(bytes: Uint8Array, start: number): Frame {
  let remaining = 0;
  for (let size = 1; size <= 4; size++) {
    const at = start + size;
    if (at >= bytes.length) return { start, body: at, end: Infinity, lengthFlaw: "incomplete" };
    const part = bytes[at] ?? 0;
    remaining += (part & 0x7f) * 2 ** ((size - 1) * 7);
    if (part < 0x80) return { start, body: at + 1, end: at + 1 + remaining, lengthFlaw: null };
  }
  return { start, body: start + 5, end: Infinity, lengthFlaw: "endless" };
}

export function isConnect(bytes: Uint8Array, { start }: Frame): boolean {
  return (bytes[start] ?? 0) >> 4 === PacketType.connect;
}

/** The protocol that a CONNECT names; null: none that is known. */
export function connectSpeaks(bytes: Uint8Array, frame: Frame): Spoken | null {
  const isReadable = frame.lengthFlaw === null;
  const named = isReadable ? connectProtocol(bytes, frame.body, frame.end) : null;
  return named === null ? null : { protocol: named.version, by: "CONNECT" };
}

/**
 * Whether a whole packet of that protocol can be here, by its first byte and its lengths: a cheap test before the walk over
 * all fields, for a search that tries every offset.
 */
export function isPlausible(bytes: Uint8Array, frame: Frame, protocol: ProtocolVersion): boolean {
  const { start, body, end } = frame;
  if (end > bytes.length) return false;
  const first = bytes[start] ?? 0;
  const type = first >> 4;
  const flags = first & 0x0f;
  const length = end - body;
  const ofText = (at: number): number => 2 + (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
  switch (type) {
    case PacketType.connect:
      return flags === 0 && length >= 10 && connectProtocol(bytes, body, end) !== null;
    case PacketType.publish: {
      const head = (flags & 6) === 0 ? 0 : 2;
      return (flags & 6) !== 6 && length >= 2 && ofText(body) + head <= length;
    }
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubcomp:
      return flags === 0 && (protocol === 5 ? length >= 2 : length === 2);
    case PacketType.pubrel:
      return (flags & 7) === 2 && (protocol === 5 ? length >= 2 : length === 2);
    case PacketType.connack:
      return flags === 0 && (protocol === 5 ? length >= 3 : length === 2);
    case PacketType.subscribe:
      return (flags & 7) === 2 && length >= 6;
    case PacketType.unsubscribe:
      return (flags & 7) === 2 && length >= 5;
    case PacketType.suback:
      return flags === 0 && length >= 3;
    case PacketType.unsuback:
      return flags === 0 && (protocol === 5 ? length >= 4 : length === 2);
    case PacketType.pingreq:
    case PacketType.pingresp:
      return flags === 0 && length === 0;
    case PacketType.disconnect:
      return flags === 0 && (protocol === 5 || length === 0);
    case PacketType.auth:
      return flags === 0 && protocol === 5;
    default:
      return false;
  }
}
