import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import type { Cursor } from "./cursor.ts";
import { beginsWith } from "./beginning.ts";
import { malformed, refused } from "./violation.ts";
import { walkFilter } from "./filter.ts";
import { walkProperties, type PropertyBlock } from "./property.ts";
import { topicNameFlaw } from "./topics.ts";
import { decodeText, textFlaw } from "./utf8.ts";

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

/** The protocol that a CONNECT requests. */
export interface Protocol {
  /** False: mqttd does not support the level, and `version` is the form of the answer. */
  readonly supported: boolean;
  readonly version: ProtocolVersion;
  /** The level's highest bit is set: a bridge of mosquitto (`ConnectPacket.bridge`). */
  readonly bridge: boolean;
}

const bridgeBit = 0x80;

const protocolName = [0x00, 0x04, 0x4d, 0x51, 0x54, 0x54];
const protocolNameOf31 = [0x00, 0x06, 0x4d, 0x51, 0x49, 0x73, 0x64, 0x70];

/**
 * Reads protocol name and level from the body of a CONNECT at bytes[start..end), which may still be
 * incomplete. Null: the body ends before the level, or the name is not MQTT's.
 *
 * Unknown levels get an answer in the form of 3.1.1 (v4-3.1.2-2), levels above 5 in the form of 5.0
 * (v5-3.1.2-2). Levels 3 and 4 with the highest bit set mark a bridge, mosquitto's convention
 * outside any standard; 5.0 has subscription options for the same purpose, so level 5 has no bridge
 * form.
 */
export function connectProtocol(bytes: Uint8Array, start: number, end: number): Protocol | null {
  const modern = beginsWith(bytes, start, end, protocolName);
  if (!modern && !beginsWith(bytes, start, end, protocolNameOf31)) return null;
  const at = start + (modern ? protocolName : protocolNameOf31).length;
  const level = at < end ? bytes[at] : undefined;
  if (level === undefined) return null;
  const bridge = level >= bridgeBit;
  const plain = level & ~bridgeBit;
  if (modern && plain === 4) return { supported: true, version: 4, bridge };
  if (modern && level === 5) return { supported: true, version: 5, bridge };
  if (!modern && plain === 3) return { supported: true, version: 3, bridge };
  return { supported: false, version: level > 5 && !bridge ? 5 : 4, bridge };
}

const connectFlag = {
  reserved: 0x01,
  cleanStart: 0x02,
  will: 0x04,
  willQos: 0x18,
  willRetain: 0x20,
  password: 0x40,
  username: 0x80,
} as const;

/** Result of walking a CONNECT. */
export interface ConnectWalk {
  readonly bridge: boolean;
  /** The will's properties; null: no will, or v3 and v4. */
  readonly will: PropertyBlock | null;
  /** The Connect Flags without ignored ones, and their offset. */
  readonly flags: number;
  readonly flagsAt: number;
}

/**
 * Walks the body of a CONNECT: its fields in their order, as the flags announce them [v4-3.1.2-9]
 * [v4-3.1.2-11] [v4-3.1.2-18] to -21 [v4-3.1.3-1] [v4-3.1.3-3] to -5 [v4-3.1.3-11] [v5-3.1.2-9]
 * [v5-3.1.2-16] to -19 [v5-3.1.3-1] [v5-3.1.3-3] to -5 [v5-3.1.3-12].
 */
export function walkConnect(cursor: Cursor): ConnectWalk {
  const { bridge } = walkProtocol(cursor);
  const flagsAt = cursor.position;
  let flags = flagsOf(cursor);
  checkConnectFlags(cursor, flags);
  cursor.twoBytes("Keep Alive");
  if (cursor.version === 5) walkProperties(cursor, "connect");
  cursor.text("Client Identifier");
  const will = (flags & connectFlag.will) !== 0 ? walkWill(cursor) : null;
  for (const { flag, read } of names) {
    if ((flags & flag) === 0) continue;
    if (isLeftOut(cursor)) flags &= ~flag;
    else read(cursor);
  }
  cursor.finish();
  return { bridge, will, flags, flagsAt };
}

const names = [
  { flag: connectFlag.username, read: (cursor: Cursor): void => cursor.text("User Name") },
  { flag: connectFlag.password, read: (cursor: Cursor): void => cursor.binary("Password") },
] as const;

/** In MQTT 3.1 the packet's length takes precedence over the flags of User Name and Password. */
function isLeftOut(cursor: Cursor): boolean {
  return cursor.version === 3 && cursor.error === null && !cursor.more;
}

/** MQTT 3.1 ignores the reserved flag, and the will's flags if there is no will. */
function flagsOf(cursor: Cursor): number {
  const flags = cursor.byte("Connect Flags");
  return cursor.version === 3 ? flags & ~disregardedIn31(flags) : flags;
}

/** Set Connect Flags that MQTT 3.1 (section 3.1) ignores. */
export function disregardedIn31(flags: number): number {
  const hasWill = (flags & connectFlag.will) !== 0;
  const ofWill = hasWill ? 0 : connectFlag.willRetain | connectFlag.willQos;
  return flags & (connectFlag.reserved | ofWill);
}

/**
 * The Client Identifier in a refused CONNECT, for the log and `explain`: often readable despite a
 * violation elsewhere. Null: empty, or a violation comes before it.
 */
export function claimedClientId(cursor: Cursor): string | null {
  walkProtocol(cursor);
  cursor.byte("Connect Flags");
  cursor.twoBytes("Keep Alive");
  if (cursor.version === 5) walkProperties(cursor, "connect");
  cursor.text("Client Identifier");
  const { bytes, fieldStart, fieldEnd, error } = cursor;
  return error === null && fieldStart < fieldEnd ? decodeText(bytes, fieldStart, fieldEnd) : null;
}

function walkProtocol(cursor: Cursor): Pick<Protocol, "bridge"> {
  const protocol = connectProtocol(cursor.bytes, cursor.position, cursor.end);
  cursor.text("Protocol Name");
  if (protocol === null) {
    // With bytes left, the name is unknown; without, the packet ends before its level.
    if (cursor.more)
      cursor.fail(Reason.malformedPacket, "3.1.2-1", "3.1.2-1", "unknown protocol name");
  } else if (!protocol.supported) {
    const detail = "this protocol level is not supported";
    cursor.fail(Reason.unsupportedProtocolVersion, "3.1.2-2", "3.1.2-2", detail);
  }
  cursor.byte("Protocol Level");
  return { bridge: protocol?.bridge ?? false };
}

function checkConnectFlags(cursor: Cursor, flags: number): void {
  if ((flags & connectFlag.reserved) !== 0) {
    cursor.fail(Reason.malformedPacket, "3.1.2-3", "3.1.2-3", "reserved Connect Flag is set");
  }
  const willQos = (flags >> 3) & 3;
  if ((flags & connectFlag.will) === 0) {
    if (willQos !== 0) {
      cursor.fail(Reason.protocolError, "3.1.2-13", "3.1.2-11", "Will QoS without Will Flag");
    }
    if ((flags & connectFlag.willRetain) !== 0) {
      cursor.fail(Reason.protocolError, "3.1.2-15", "3.1.2-13", "Will Retain without Will Flag");
    }
  } else if (willQos === 3) {
    cursor.fail(Reason.malformedPacket, "3.1.2-14", "3.1.2-12", "Will QoS is 3");
  }
  const named = (flags & connectFlag.username) !== 0;
  // v5 allows a password alone (v5-3.1.2.9).
  if (cursor.version !== 5 && (flags & connectFlag.password) !== 0 && !named) {
    cursor.fail(Reason.protocolError, "3.1.2-22", "", "Password without User Name");
  }
}

/** Walks the will: in v5 its properties, then its topic [v4-3.1.3-10] [v5-3.1.3-11] and payload. */
function walkWill(cursor: Cursor): PropertyBlock | null {
  const properties = cursor.version === 5 ? walkProperties(cursor, "will") : null;
  cursor.text("Will Topic");
  const flaw = topicNameFlaw(cursor.bytes, cursor.fieldStart, cursor.fieldEnd);
  if (flaw === "wildcard") {
    cursor.fail(Reason.topicNameInvalid, "4.7.1-1", "4.7.0-1", "Will Topic holds a wildcard");
  } else if (flaw === "empty") {
    cursor.fail(Reason.topicNameInvalid, "4.7.3-1", "4.7.3-1", "Will Topic is empty");
  }
  cursor.binary("Will Payload");
  if (properties !== null && cursor.error === null) {
    const { bytes, fieldStart, fieldEnd } = cursor;
    if (!payloadMatchesFormat(properties, bytes, fieldStart, fieldEnd)) {
      cursor.fail(
        Reason.payloadFormatInvalid,
        "",
        "3.1.3.2.3",
        "Will Payload is not the UTF-8 that its Payload Format Indicator says",
      );
    }
  }
  return properties;
}

/** Whether a payload matches its Payload Format Indicator (v5-3.3.2.3.2, v5-3.1.3.2.3). */
export function payloadMatchesFormat(
  properties: PropertyBlock,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  return properties.payloadFormat === 0 || textFlaw(bytes, start, end, true) === null;
}

export function walkSubscribe(cursor: Cursor): void {
  cursor.packetIdentifier("2.3.1-1", "2.2.1-3");
  if (cursor.version === 5) walkProperties(cursor, "subscribe");
  if (cursor.error === null && !cursor.more) {
    cursor.fail(Reason.protocolError, "3.8.3-3", "3.8.3-2", "SUBSCRIBE without a Topic Filter");
  }
  while (cursor.more) {
    const shared = walkFilter(cursor);
    const options = cursor.byte("Subscription Options");
    if (cursor.version === 5) checkOptions(cursor, options, shared);
    else if (options > 2) {
      cursor.fail(Reason.malformedPacket, "3.8.3-4", "", "Requested QoS is not 0, 1 or 2");
    }
  }
}

function checkOptions(cursor: Cursor, options: number, shared: boolean): void {
  if ((options & 0xc0) !== 0) {
    const detail = "reserved bits of the Subscription Options are set";
    cursor.fail(Reason.malformedPacket, "", "3.8.3-5", detail);
  }
  if ((options & 0x03) === 0x03) {
    cursor.fail(Reason.protocolError, "", "3.8.3.1", "Maximum QoS of a subscription is 3");
  }
  if ((options & 0x30) === 0x30) {
    cursor.fail(Reason.protocolError, "", "3.8.3.1", "Retain Handling is 3");
  }
  if (shared && (options & 0x04) !== 0) {
    cursor.fail(Reason.protocolError, "", "3.8.3-4", "No Local on a shared subscription");
  }
}

export function walkUnsubscribe(cursor: Cursor): void {
  cursor.packetIdentifier("2.3.1-1", "2.2.1-3");
  if (cursor.version === 5) walkProperties(cursor, "unsubscribe");
  if (cursor.error === null && !cursor.more) {
    cursor.fail(Reason.protocolError, "3.10.3-2", "3.10.3-2", "UNSUBSCRIBE without a Topic Filter");
  }
  while (cursor.more) walkFilter(cursor);
}

/** v5 may omit the properties, or both reason and properties (v5-3.14.2.1, v5-3.14.2.2.1). */
export function walkDisconnect(cursor: Cursor): void {
  if (cursor.version === 5 && cursor.more) {
    walkReason(cursor, "disconnect");
    if (cursor.more) walkProperties(cursor, "disconnect");
  }
  cursor.finish();
}

/** An AUTH without a reason means success (v5-3.15.2.1), which only a server may send. */
export function walkAuth(cursor: Cursor): void {
  if (!cursor.more) {
    cursor.fail(Reason.protocolError, "", "3.15.2-1", "a client's AUTH says success");
  }
  walkReason(cursor, "auth");
  if (cursor.error === null && !cursor.more) {
    cursor.fail(Reason.protocolError, "", "3.15.2.2.2", "AUTH without Authentication Method");
  }
  if (cursor.more) walkProperties(cursor, "auth");
  cursor.finish();
}
