import type { Millis } from "./io.ts";
import type { KeptMessage } from "./journal.ts";
import type { ReasonCode } from "./reason.ts";

/**
 * Control packets as the core sees them: decoded, valid by grammar, without platform types. Times
 * inside packets are in seconds, as on the wire.
 */
export type ProtocolVersion = 3 | 4 | 5;
export type Qos = 0 | 1 | 2;
/** The version as people write it. */
export type ProtocolName = "3.1" | "3.1.1" | "5.0";

export const protocolName: Record<ProtocolVersion, ProtocolName> = {
  3: "3.1",
  4: "3.1.1",
  5: "5.0",
};

export function versionOf(name: ProtocolName): ProtocolVersion {
  return name === "5.0" ? 5 : name === "3.1" ? 3 : 4;
}

/**
 * One application message, shared by all its recipients. Only `keep()` changes it: it moves the
 * bytes from the input's buffer to memory of their own.
 */
export interface Message {
  /** With its publisher's mount point, if any. */
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  payload: Uint8Array;
  /** Of the payload, known without the view that reading it may make; absent: of the payload. */
  readonly payloadBytes?: number;
  /**
   * Property bytes in the publisher's order and encoding, less Topic Alias and Message Expiry
   * Interval (v5-3.3.2-15, -16, -18, -20: order and content are forwarded). Null: none.
   */
  properties: Uint8Array | null;
  /** Time of publication plus Message Expiry Interval; null: never expires. */
  readonly expiresAt: Millis | null;
  /** The frame as it arrived, while its bytes can be forwarded unchanged; null: they can't. */
  frame: Frame | null;
  /** False while its bytes are part of the input's buffer. */
  owned: boolean;
  /** Places that keep it: queues, windows, the retained messages (`Memory.hold`). */
  keepers: number;
  /** What the store has of it; null or absent: nothing. */
  kept?: KeptMessage | null;
}

/** Bytes of a payload, without a view of it: to make one takes longer than all other checks. */
export function payloadBytesOf(of: Pick<Message, "payload" | "payloadBytes">): number {
  return of.payloadBytes ?? of.payload.length;
}

/** A message from a client. The view of its payload is made when it is first read: mostly never. */
export class ReceivedMessage implements Message {
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly payloadBytes: number;
  properties: Uint8Array | null;
  readonly expiresAt: Millis | null;
  frame: Frame | null;
  owned = false;
  keepers = 0;
  kept: KeptMessage | null = null;
  /** What has the payload: the packet, or the payload alone. */
  #from: Pick<PublishPacket, "payload">;

  constructor(packet: PublishPacket, topic: string, expiresAt: Millis | null, frame: Frame | null) {
    this.#from = packet;
    this.topic = topic;
    this.qos = packet.qos;
    this.retain = packet.retain;
    this.payloadBytes = payloadBytesOf(packet);
    this.properties = packet.properties;
    this.expiresAt = expiresAt;
    this.frame = frame;
  }

  get payload(): Uint8Array {
    return this.#from.payload;
  }

  set payload(payload: Uint8Array) {
    this.#from = { payload };
  }
}

/** The bytes of one received packet, valid only while its input is handled. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly version: ProtocolVersion;
}

/** Moves a message out of the input's buffer: a kept subarray would retain the whole chunk. */
export function keep(message: Message): Message {
  if (!message.owned) {
    message.owned = true;
    message.frame = null;
    const { payload } = message;
    if (!isReferable(payload, payload.length)) message.payload = payload.slice();
    if (message.properties !== null) message.properties = message.properties.slice();
  }
  return message;
}

/** From this size on, a reference to bytes of a buffer may cost less than a copy. */
export const referredBytes = 64 * 1024;

/**
 * Whether to refer to bytes of a buffer: a reference keeps the whole buffer in memory. A large packet
 * that arrived in pieces fills most of its own.
 */
export function isReferable(of: Uint8Array, bytes: number): boolean {
  // Size first: most are small, and reading `buffer` is not cheap.
  return bytes >= referredBytes && bytes * 2 >= of.buffer.byteLength;
}

/** It outlives its CONNECT: its bytes are its own, or take most of the buffer that they came in. */
export interface WillPacket {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Seconds (v5-3.1.3.2.2); 0 in v4. */
  readonly delayIntervalSeconds: number;
  readonly expirySeconds: number | null;
  /**
   * Will properties in the client's order, less Will Delay Interval and Message Expiry Interval.
   */
  readonly properties: Uint8Array | null;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly version: ProtocolVersion;
  /**
   * A bridge, which mosquitto marks in v3 and v4 (levels 0x83 and 0x84): its subscriptions get No
   * Local and Retain As Published. In v5 a bridge asks for these in its SUBSCRIBE.
   */
  readonly bridge: boolean;
  readonly clientId: string;
  /** Clean Session in v4. */
  readonly cleanStart: boolean;
  /** Seconds; 0: off. */
  readonly keepAliveSeconds: number;
  readonly username: string | null;
  readonly password: Uint8Array | null;
  readonly will: WillPacket | null;
  /** Seconds; 0xFFFFFFFF: never expires. v5 only; null: absent. */
  readonly sessionExpiryInterval: number | null;
  readonly receiveMaximum: number;
  /** Bytes; null: no limit. */
  readonly maximumPacketSize: number | null;
  readonly topicAliasMaximum: number;
  readonly requestProblemInformation: boolean;
  readonly authenticationMethod: string | null;
}

export interface PublishPacket {
  readonly type: "publish";
  /** Empty if a Topic Alias replaces it. */
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 for QoS 0. */
  readonly packetId: number;
  readonly payload: Uint8Array;
  /** See Message.payloadBytes. */
  readonly payloadBytes?: number;
  /** See Message.properties. */
  readonly properties: Uint8Array | null;
  readonly expirySeconds: number | null;
  /** 0: none. */
  readonly topicAlias: number;
  readonly frame: Frame | null;
}

/**
 * PUBLISHes that follow each other and differ only in packet id and payload: of one topic and QoS,
 * without DUP, RETAIN and properties. Valid while their input is handled.
 */
export interface PublishRun {
  readonly topic: string;
  readonly qos: Qos;
  readonly version: ProtocolVersion;
  readonly bytes: Uint8Array;
  /** Where each packet begins in `bytes`; then the end of the last. */
  readonly bounds: readonly number[];
  /** Empty with QoS 0. With QoS 2 they ascend. */
  readonly packetIds: readonly number[];
  /** Where packet ids stand in `bytes`: those of the run from `place` on. Empty with QoS 0. */
  readonly idsAt: readonly number[];
  readonly place: number;
  /** Of the largest payload. */
  readonly payloadBytes: number;
  /** The payload of one of its packets, a view of `bytes`. */
  payload(at: number): Uint8Array;
}

export interface AckPacket {
  readonly type: "puback" | "pubrec" | "pubrel" | "pubcomp";
  readonly packetId: number;
  readonly reason: number;
}

export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly retainHandling: 0 | 1 | 2;
}

export interface SubscribePacket {
  readonly type: "subscribe";
  readonly packetId: number;
  readonly subscriptionIdentifier: number | null;
  readonly subscriptions: readonly SubscriptionRequest[];
  /** Filters behind these, above `limits.filters`: all of them are refused. */
  readonly undecoded: number;
}

export interface UnsubscribePacket {
  readonly type: "unsubscribe";
  readonly packetId: number;
  readonly filters: readonly string[];
}

export interface DisconnectPacket {
  readonly type: "disconnect";
  readonly reason: number;
  /** Seconds; null: absent. */
  readonly sessionExpiryInterval: number | null;
  readonly reasonString: string | null;
}

export interface AuthPacket {
  readonly type: "auth";
  readonly reason: number;
}

export interface PingreqPacket {
  readonly type: "pingreq";
}

/** Packets that a client may send. */
export type ClientPacket =
  | ConnectPacket
  | PublishPacket
  | AckPacket
  | SubscribePacket
  | UnsubscribePacket
  | PingreqPacket
  | DisconnectPacket
  | AuthPacket;

export interface ConnackPacket {
  readonly type: "connack";
  readonly sessionPresent: boolean;
  /** The v5 reason code; wire maps it to the return code of v3 and v4. */
  readonly reason: ReasonCode;
  readonly properties: ConnackProperties | null;
}

export interface ConnackProperties {
  readonly sessionExpiryInterval?: number;
  readonly receiveMaximum?: number;
  readonly maximumQos?: 0 | 1;
  readonly retainAvailable?: boolean;
  readonly maximumPacketSize?: number;
  readonly assignedClientIdentifier?: string;
  readonly topicAliasMaximum?: number;
  readonly reasonString?: string;
  readonly serverKeepAlive?: number;
}

export interface SubackPacket {
  readonly type: "suback";
  readonly packetId: number;
  readonly reasons: readonly number[] | Uint8Array;
}

export interface UnsubackPacket {
  readonly type: "unsuback";
  readonly packetId: number;
  readonly reasons: readonly number[];
}

export interface PingrespPacket {
  readonly type: "pingresp";
}

/** v5 only: wire encodes nothing for v3 and v4. */
export interface ServerDisconnectPacket {
  readonly type: "disconnect";
  readonly reason: ReasonCode;
  readonly reasonString: string | null;
}

/** Packets that the broker sends, except PUBLISH, which the effect `deliver` sends. */
export type ServerPacket =
  | ConnackPacket
  | AckPacket
  | SubackPacket
  | UnsubackPacket
  | PingrespPacket
  | ServerDisconnectPacket;
