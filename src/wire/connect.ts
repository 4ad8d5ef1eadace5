import {
  type ConnectPacket,
  isReferable,
  type ProtocolVersion,
  type Qos,
  type WillPacket,
} from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import { beginsWith } from "./beginning.ts";
import { Cursor } from "./cursor.ts";
import {
  forwardedProperties,
  noProperties,
  payloadMatchesFormat,
  walkProperties,
  type PropertyBlock,
} from "./property.ts";
import { topicNameFlaw } from "./topics.ts";
import { decodeText } from "./utf8.ts";

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

/**
 * Reads the CONNECT whose body is bytes[body..end): its fields in their order, as the flags announce
 * them [v4-3.1.2-9] [v4-3.1.2-11] [v4-3.1.2-18] to -21 [v4-3.1.3-1] [v4-3.1.3-3] to -5
 * [v4-3.1.3-11] [v5-3.1.2-9] [v5-3.1.2-16] to -19 [v5-3.1.3-1] [v5-3.1.3-3] to -5 [v5-3.1.3-12].
 * Decodes nothing before all of it is valid. The result refers to `bytes` only if its will takes most
 * of them.
 */
export function readConnect(
  bytes: Uint8Array,
  body: number,
  end: number,
  version: ProtocolVersion,
  takesInvalidWill: boolean,
): ConnectPacket | ProtocolError {
  const cursor = new Cursor(bytes, body, end, version);
  const { bridge } = walkProtocol(cursor);
  const flags = flagsOf(cursor);
  checkConnectFlags(cursor, flags);
  const keepAliveSeconds = cursor.twoBytes("Keep Alive");
  const { own } = version === 5 ? walkProperties(cursor, "connect") : noProperties;
  cursor.text("Client Identifier");
  const { fieldStart: idStart, fieldEnd: idEnd } = cursor;
  const will = (flags & connectFlag.will) === 0 ? null : walkWill(cursor, takesInvalidWill);
  const hasName = (flags & connectFlag.username) !== 0 && !isLeftOut(cursor);
  if (hasName) cursor.text("User Name");
  const { fieldStart: nameStart, fieldEnd: nameEnd } = cursor;
  const hasPassword = (flags & connectFlag.password) !== 0 && !isLeftOut(cursor);
  if (hasPassword) cursor.binary("Password");
  const { fieldStart: passwordStart, fieldEnd: passwordEnd } = cursor;
  cursor.finish();
  if (cursor.error !== null) return cursor.error;
  return {
    type: "connect",
    version,
    bridge,
    clientId: decodeText(bytes, idStart, idEnd),
    cleanStart: (flags & connectFlag.cleanStart) !== 0,
    keepAliveSeconds,
    username: hasName ? decodeText(bytes, nameStart, nameEnd) : null,
    password: hasPassword ? bytes.slice(passwordStart, passwordEnd) : null,
    will: will === null ? null : willFrom(bytes, will, flags),
    sessionExpiryInterval: own.sessionExpiryInterval,
    receiveMaximum: own.receiveMaximum,
    maximumPacketSize: own.maximumPacketSize,
    topicAliasMaximum: own.topicAliasMaximum,
    requestProblemInformation: own.requestProblemInformation,
    authenticationMethod: own.authenticationMethod,
  };
}

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

/** Where a will's fields are. */
interface WillWalk {
  readonly properties: PropertyBlock;
  readonly topicStart: number;
  readonly topicEnd: number;
  readonly payloadStart: number;
  readonly payloadEnd: number;
}

/** Walks the will: in v5 its properties, then its topic [v4-3.1.3-10] [v5-3.1.3-11] and payload. */
function walkWill(cursor: Cursor, takesInvalidWill: boolean): WillWalk {
  const properties = cursor.version === 5 ? walkProperties(cursor, "will") : noProperties;
  cursor.text("Will Topic");
  const { fieldStart: topicStart, fieldEnd: topicEnd } = cursor;
  if (!takesInvalidWill) checkWillTopic(cursor);
  cursor.binary("Will Payload");
  const { bytes, fieldStart: payloadStart, fieldEnd: payloadEnd } = cursor;
  const isRight =
    cursor.error !== null || payloadMatchesFormat(properties, bytes, payloadStart, payloadEnd);
  if (!isRight) {
    cursor.fail(
      Reason.payloadFormatInvalid,
      "",
      "3.1.3.2.3",
      "Will Payload is not the UTF-8 that its Payload Format Indicator says",
    );
  }
  return { properties, topicStart, topicEnd, payloadStart, payloadEnd };
}

function checkWillTopic(cursor: Cursor): void {
  const flaw = topicNameFlaw(cursor.bytes, cursor.fieldStart, cursor.fieldEnd);
  if (flaw === "wildcard") {
    cursor.fail(Reason.topicNameInvalid, "4.7.1-1", "4.7.0-1", "Will Topic holds a wildcard");
  } else if (flaw === "empty") {
    cursor.fail(Reason.topicNameInvalid, "4.7.3-1", "4.7.3-1", "Will Topic is empty");
  }
}

function willFrom(bytes: Uint8Array, will: WillWalk, flags: number): WillPacket {
  const { properties: block } = will;
  const payload = bytes.subarray(will.payloadStart, will.payloadEnd);
  const properties = forwardedProperties(bytes, block);
  // Not part of the packet, which begins with its header.
  const isCopied = properties?.byteOffset === 0;
  const isLarge = !isCopied && isReferable(bytes, payload.length + (properties?.length ?? 0));
  return {
    topic: decodeText(bytes, will.topicStart, will.topicEnd),
    payload: isLarge ? payload : payload.slice(),
    qos: willQosOf(flags),
    retain: (flags & connectFlag.willRetain) !== 0,
    delayIntervalSeconds: block.willDelayInterval,
    expirySeconds: block.expirySeconds,
    properties: isLarge || isCopied ? properties : (properties?.slice() ?? null),
  };
}

/** The flags hold no 3: the walk refused it. */
function willQosOf(flags: number): Qos {
  const qos = (flags & connectFlag.willQos) >> 3;
  return qos === 1 || qos === 2 ? qos : 0;
}
