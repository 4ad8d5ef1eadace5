import type { AckPacket, PingreqPacket, ProtocolVersion } from "../core/packet.ts";
import type { ProtocolError } from "../core/reason.ts";
import { Cursor } from "./cursor.ts";
import { malformed } from "./violation.ts";
import { walkAcknowledgement, type AcknowledgementName } from "./grammar.ts";

/**
 * First bytes of acknowledgements; PUBREL has one flag that is always set [v4-2.2.2-1] [v4-3.6.1-1]
 * [v5-2.1.3-1].
 */
const firstBytes = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 } as const;

/**
 * Reads the PUBACK, PUBREC, PUBREL or PUBCOMP whose body is bytes[body..end). The two-byte form,
 * the only one in v3 and v4 and nearly the only one that v5 clients send, needs no walk.
 */
export function readAck(
  bytes: Uint8Array,
  name: AcknowledgementName,
  body: number,
  end: number,
  version: ProtocolVersion,
): AckPacket | ProtocolError {
  const packetId = ((bytes[body] ?? 0) << 8) | (bytes[body + 1] ?? 0);
  if (end - body === 2 && packetId !== 0) return { type: name, packetId, reason: 0 };
  const cursor = new Cursor(bytes, body, end, version);
  const reason = walkAcknowledgement(cursor, name);
  return cursor.error ?? { type: name, packetId, reason };
}

/** Acknowledgements of one type with success, in the order of their packet ids. */
export interface AckRun {
  readonly type: AcknowledgementName;
  readonly packetIds: readonly number[];
}

/** Size of an acknowledgement in its two-byte form, with its header; and the most in one run. */
const shortSize = 4;
const ackRunMaximum = 64;

/**
 * Reads the acknowledgements in their two-byte form that follow each other at `start`, all of one
 * type; null: less than two. They take four bytes each.
 */
export function readAckRun(bytes: Uint8Array, start: number): AckRun | null {
  const second = start + shortSize;
  const first = bytes[start];
  // Most packets are none: find that out without a look at the type.
  if (first === undefined || bytes[second] !== first) return null;
  const type = typeOfFirst(first);
  if (type === null) return null;
  const packetIds: number[] = [];
  const last = Math.min(bytes.length, start + ackRunMaximum * shortSize) - shortSize;
  for (let at = start; at <= last; at += shortSize) {
    if (bytes[at] !== first || bytes[at + 1] !== 2) break;
    const packetId = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (packetId === 0) break;
    packetIds.push(packetId);
  }
  return packetIds.length < 2 ? null : { type, packetIds };
}

function typeOfFirst(first: number): AcknowledgementName | null {
  switch (first) {
    case firstBytes.puback:
      return "puback";
    case firstBytes.pubrec:
      return "pubrec";
    case firstBytes.pubrel:
      return "pubrel";
    case firstBytes.pubcomp:
      return "pubcomp";
    default:
      return null;
  }
}

/** Bytes of a run from `readAckRun`. */
export function ackRunSize({ packetIds }: AckRun): number {
  return packetIds.length * shortSize;
}

/** Reads a PINGREQ: a packet without a body. */
export function readPingreq(
  body: number,
  end: number,
  version: ProtocolVersion,
): PingreqPacket | ProtocolError {
  if (body === end) return { type: "pingreq" };
  return malformed(version, "3.12", "3.12", "PINGREQ has a body");
}

/** Maximum size of an acknowledgement from `writeAck`, bytes. */
export const ackMaximumSize = 5;

/**
 * Writes an acknowledgement at target[offset..] and returns the offset behind it. Success takes
 * four bytes, and so does every one in v3 and v4, which have no reason codes. Any other reason in
 * v5 takes five (v5-3.4.2.2.1: the property length may be omitted).
 */
export function writeAck(
  target: Uint8Array,
  offset: number,
  name: AcknowledgementName,
  version: ProtocolVersion,
  packetId: number,
  reason: number,
): number {
  const short = version !== 5 || reason === 0;
  target[offset] = firstBytes[name];
  target[offset + 1] = short ? 2 : 3;
  target[offset + 2] = packetId >>> 8;
  target[offset + 3] = packetId & 0xff;
  if (short) return offset + 4;
  target[offset + 4] = reason;
  return offset + 5;
}

/** Writes a PINGRESP, two bytes, and returns the offset behind it. */
export function writePingresp(target: Uint8Array, offset: number): number {
  target[offset] = 0xd0;
  target[offset + 1] = 0;
  return offset + 2;
}
