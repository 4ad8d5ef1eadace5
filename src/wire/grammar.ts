import type { AuthPacket, DisconnectPacket, ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import type { Cursor } from "./cursor.ts";
import { malformed, refused } from "./violation.ts";
import { noProperties, walkProperties } from "./property.ts";

/** MQTT Control Packet types (v4-2.2.1, v5-2.1.2): the high half of a packet's first byte. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

interface PacketRule {
  readonly name: string;
  /** First version in which a client may send it. */
  readonly since: ProtocolVersion | "never";
  /** The low half of the first byte; null: PUBLISH, where it is DUP, QoS and RETAIN. */
  readonly flags: number | null;
  /** Statements that a wrong flag violates. */
  readonly v4: string;
  readonly v5: string;
}

const flagless = { since: 3, flags: 0, v4: "2.2.2-2", v5: "2.1.3-1" } as const;
const fromServer = { ...flagless, since: "never" } as const;

/** By type, 0 to 15. */
const packets: readonly PacketRule[] = [
  { ...fromServer, name: "packet type 0" },
  { ...flagless, name: "CONNECT" },
  { ...fromServer, name: "CONNACK" },
  { ...flagless, name: "PUBLISH", flags: null },
  { ...flagless, name: "PUBACK" },
  { ...flagless, name: "PUBREC" },
  { ...flagless, name: "PUBREL", flags: 2, v4: "3.6.1-1", v5: "3.6.1-1" },
  { ...flagless, name: "PUBCOMP" },
  { ...flagless, name: "SUBSCRIBE", flags: 2, v4: "3.8.1-1", v5: "3.8.1-1" },
  { ...fromServer, name: "SUBACK" },
  { ...flagless, name: "UNSUBSCRIBE", flags: 2, v4: "3.10.1-1", v5: "3.10.1-1" },
  { ...fromServer, name: "UNSUBACK" },
  { ...flagless, name: "PINGREQ" },
  { ...fromServer, name: "PINGRESP" },
  { ...flagless, name: "DISCONNECT", v4: "3.14.1-1", v5: "3.14.1-1" },
  { ...flagless, name: "AUTH", since: 5, v5: "3.15.1-1" },
];

/** The name of the packet that begins with this byte: `PUBLISH`. */
export function packetName(first: number): string {
  return packets[first >> 4]?.name ?? "";
}

/**
 * Mask of the flags to check. MQTT 3.1 (section 2.1) reserves no flags: unused ones may have any
 * value, and resent packets carry DUP. That leaves the QoS of PUBREL, SUBSCRIBE and UNSUBSCRIBE.
 */
function flagsThatCount(version: ProtocolVersion, flags: number): number {
  if (version !== 3) return 0x0f;
  return flags === 0 ? 0 : 0x06;
}

/** The violation in a packet's first byte on a connection that speaks `version`, or null. */
export function firstByteViolation(first: number, version: ProtocolVersion): ProtocolError | null {
  const type = first >> 4;
  const rule = packets[type];
  if (type === 0 || rule === undefined) {
    return malformed(version, "2.2.1", "2.1.2", "packet type 0 is reserved");
  }
  if (rule.since === "never") {
    return refused(version, "2.2.1", "2.1.2", `${rule.name} comes only from a server`);
  }
  if (version < rule.since) {
    return malformed(version, "2.2.1", "2.1.2", "packet type 15 is reserved");
  }
  const flags = first & 0x0f;
  if (rule.flags === null) return null;
  const counts = flagsThatCount(version, rule.flags);
  if ((flags & counts) === (rule.flags & counts)) return null;
  return malformed(version, rule.v4, rule.v5, `reserved flags of ${rule.name} are wrong`);
}

export type AcknowledgementName = "puback" | "pubrec" | "pubrel" | "pubcomp";
type ReasonedPacket = AcknowledgementName | "disconnect" | "auth";

/** Reason codes that a client may send (v5-2.4, and the table of each packet). */
const reasonCodes: {
  readonly [packet in ReasonedPacket]: {
    readonly codes: readonly number[];
    readonly statement: string;
  };
} = {
  puback: {
    codes: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    statement: "3.4.2-1",
  },
  pubrec: {
    codes: [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99],
    statement: "3.5.2-1",
  },
  pubrel: { codes: [0x00, 0x92], statement: "3.6.2-1" },
  pubcomp: { codes: [0x00, 0x92], statement: "3.7.2-1" },
  disconnect: {
    codes: [0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99],
    statement: "3.14.2-1",
  },
  auth: { codes: [0x18, 0x19], statement: "3.15.2-1" },
};

function walkReason(cursor: Cursor, packet: ReasonedPacket): number {
  const reason = cursor.byte("Reason Code");
  const rule = reasonCodes[packet];
  if (!rule.codes.includes(reason)) {
    const detail = `Reason Code ${reason} is not allowed in a client's ${packet.toUpperCase()}`;
    cursor.fail(Reason.protocolError, "", rule.statement, detail);
  }
  return reason;
}

/**
 * Walks PUBACK, PUBREC, PUBREL or PUBCOMP. Returns the reason code, 0 if absent: v3 and v4 have
 * none, and v5 may omit success (v5-3.4.2.1).
 */
export function walkAcknowledgement(cursor: Cursor, name: AcknowledgementName): number {
  cursor.packetIdentifier("2.3.1-6", "2.2.1-5");
  let reason = 0;
  if (cursor.version === 5 && cursor.more) {
    reason = walkReason(cursor, name);
    if (cursor.more) walkProperties(cursor, name);
  }
  cursor.finish();
  return reason;
}

/**
 * Reads a DISCONNECT. v5 may omit the properties, or both reason and properties (v5-3.14.2.1,
 * v5-3.14.2.2.1).
 */
export function readDisconnect(cursor: Cursor): DisconnectPacket | ProtocolError {
  let reason = 0;
  let own = noProperties.own;
  if (cursor.version === 5 && cursor.more) {
    reason = walkReason(cursor, "disconnect");
    if (cursor.more) ({ own } = walkProperties(cursor, "disconnect"));
  }
  cursor.finish();
  if (cursor.error !== null) return cursor.error;
  const { sessionExpiryInterval, reasonString } = own;
  return { type: "disconnect", reason, sessionExpiryInterval, reasonString };
}

/**
 * Reads an AUTH. One without a reason means success (v5-3.15.2.1), which only a server may send.
 */
export function readAuth(cursor: Cursor): AuthPacket | ProtocolError {
  if (!cursor.more) {
    cursor.fail(Reason.protocolError, "", "3.15.2-1", "a client's AUTH says success");
  }
  const reason = walkReason(cursor, "auth");
  if (cursor.error === null && !cursor.more) {
    cursor.fail(Reason.protocolError, "", "3.15.2.2.2", "AUTH without Authentication Method");
  }
  if (cursor.more) walkProperties(cursor, "auth");
  cursor.finish();
  return cursor.error ?? { type: "auth", reason };
}
