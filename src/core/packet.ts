import type { Millis } from "./io.ts";
import type { ReasonCode } from "./reason.ts";

/**
 * Control packets as the core sees them: decoded, valid by grammar, free of any platform type.
 * Times inside packets are in seconds, as on the wire.
 */
export type ProtocolVersion = 3 | 4 | 5;
export type Qos = 0 | 1 | 2;
/** As people say it. */
export type ProtocolName = "3.1" | "3.1.1" | "5.0";

export const protocolName: Record<ProtocolVersion, ProtocolName> = {
  3: "3.1",
  4: "3.1.1",
  5: "5.0",
};

/**
 * One application message. It is shared by everybody who gets it and never changed, but for
 * `keep()`, which moves it from the input's buffer to memory of its own.
 */
export interface Message {
  /** With the mount point of its publisher, if there is one. */
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  payload: Uint8Array;
  /**
   * Property bytes in the publisher's order and encoding, less Topic Alias and Message Expiry
   * Interval (v5-3.3.2-15, -16, -18, -20: order and content are forwarded). Null: there are none.
   */
  properties: Uint8Array | null;
  /** Publication plus Message Expiry Interval; null: never. */
  readonly expiresAt: Millis | null;
  /** The frame as it arrived, while its bytes can be forwarded as they are; null otherwise. */
  frame: Frame | null;
  /** Its bytes are its own; false while they are a part of the input's buffer. */
  owned: boolean;
}

/** The bytes of one received packet, valid until the input that brought it was handled. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly version: ProtocolVersion;
}

/** Moves a message out of the input's buffer: a kept subarray would pin its whole chunk. */
export function keep(message: Message): Message {
  if (!message.owned) {
    message.owned = true;
    message.frame = null;
    if (!isMostOfIts(message.payload)) message.payload = message.payload.slice();
    if (message.properties !== null) message.properties = message.properties.slice();
  }
  return message;
}

/** From here on the copy of a payload costs more than the rest of its buffer, if that is no larger. */
export const largePayload = 64 * 1024;

/** A large packet that came in pieces has memory of its own, and nobody else uses it. */
function isMostOfIts(payload: Uint8Array): boolean {
  return payload.length >= largePayload && payload.length * 2 >= payload.buffer.byteLength;
}

export interface WillPacket {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Seconds (v5-3.1.3.2.2); 0 in v4. */
  readonly delayIntervalSeconds: number;
  readonly expirySeconds: number | null;
  /** Will properties in the client's order, less Will Delay Interval and Message Expiry Interval. */
  readonly properties: Uint8Array | null;
}

export interface ConnectPacket {
  readonly type: "connect";
  readonly version: ProtocolVersion;
  /**
   * A bridge, as mosquitto says in v3 and v4 (levels 0x83 and 0x84): what it subscribes to is with No
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
  /** Seconds, 0xFFFFFFFF: never. v5 only; null: absent. */
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
  /** Empty when a Topic Alias stands for it. */
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  /** 0 for QoS 0. */
  readonly packetId: number;
  readonly payload: Uint8Array;
  /** See Message.properties. */
  readonly properties: Uint8Array | null;
  readonly expirySeconds: number | null;
  /** 0: none. */
  readonly topicAlias: number;
  readonly frame: Frame | null;
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

/** What a client may send. */
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
  /** The reason code of v5; wire turns it into the return code for v3 and v4. */
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
  readonly reasons: readonly number[];
}

export interface UnsubackPacket {
  readonly type: "unsuback";
  readonly packetId: number;
  readonly reasons: readonly number[];
}

export interface PingrespPacket {
  readonly type: "pingresp";
}

/** v5 only: wire sends nothing for v3 and v4. */
export interface ServerDisconnectPacket {
  readonly type: "disconnect";
  readonly reason: ReasonCode;
  readonly reasonString: string | null;
}

/** What the broker sends, but for PUBLISH, which leaves by the effect `deliver`. */
export type ServerPacket =
  | ConnackPacket
  | AckPacket
  | SubackPacket
  | UnsubackPacket
  | PingrespPacket
  | ServerDisconnectPacket;
