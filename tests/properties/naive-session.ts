import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
} from "mqtt-packet";
import type { ProtocolVersion, Qos } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";

/** The naive broker's state, as plain data. Times are milliseconds. */

export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Message Expiry Interval in seconds; null: never. */
  readonly expiry: number | null;
  readonly contentType: string | null;
  readonly publisher: string;
  /** The time of publication, and its place in the order of all publications. */
  readonly at: number;
  readonly serial: number;
}

/** One client's copy of a message. */
export interface Copy {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** The filter of the shared subscription that delivers it; null: ordinary ones. */
  readonly share: string | null;
}

/** A copy that was sent and waits for the end of its exchange. */
export interface Outgoing extends Copy {
  /** Other copies that it may have been. */
  readonly alike: readonly Copy[];
  readonly id: number;
  /** PUBREC has arrived. */
  released: boolean;
}

export interface Subscription {
  readonly filter: string;
  /** Without `$share/group/`. */
  readonly pattern: string;
  readonly isShared: boolean;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifier: number | null;
}

/** A SUBSCRIBE that requested retained messages. */
export interface Replay {
  readonly filter: string;
  /** The serial of the first message published after it. */
  readonly since: number;
  readonly done: Message[];
  /**
   * Messages that exceeded the client's Maximum Packet Size: they count as sent or follow later.
   */
  readonly skipped: Message[];
}

export interface Will {
  readonly message: Omit<Message, "at" | "serial">;
  readonly delay: number;
}

export interface Connection {
  readonly number: number;
  readonly version: ProtocolVersion;
  heardAt: number;
  readonly allowed: number;
  /** The number of unfinished messages that it accepts at once. */
  readonly window: number;
  readonly packetSize: number;
  /** Topics by alias. */
  readonly aliases: string[];
  /** Of the session's outgoing messages, those still to be resent. */
  readonly unsent: Outgoing[];
}

export interface Session {
  readonly clientId: string;
  connection: Connection | null;
  expiry: number;
  endsAt: number;
  will: Will | null;
  /** Meaningless while there is no will, or a connection. */
  willDueAt: number;
  readonly subscriptions: Subscription[];
  queue: Copy[];
  readonly outgoing: Outgoing[];
  replays: Replay[];
  /** Packet ids of QoS 2 messages that wait for their PUBREL. */
  incoming: number[];
}

export type Connected = Session & { connection: Connection };

/** The messages that one member of a shared subscription leaves to the others. */
export interface Left {
  readonly message: Message;
  readonly share: string;
  /** A message that may have been a copy of another subscription, which is left to no member. */
  readonly isUnsure: boolean;
}

/**
 * Section 4.8.2: unacknowledged QoS 1, and unsent messages. [v5-4.8.2-5]: no QoS 2 delivery that
 * has started.
 */
export function leftOf({ outgoing, queue }: Session): Left[] {
  const sent = outgoing.filter(({ qos }) => qos === 1);
  const waiting = queue.map((copy) => ({ ...copy, alike: [] }));
  return [...sent, ...waiting].flatMap(({ message, share, alike }) => {
    const shares = [share, ...alike.map((copy) => copy.share)];
    const known = shares.find((one) => one !== null) ?? null;
    const isUnsure = shares.some((one) => one !== known);
    return known === null ? [] : [{ message, share: known, isUnsure }];
  });
}

export function newSession(clientId: string): Session {
  return {
    clientId,
    connection: null,
    expiry: 0,
    endsAt: Infinity,
    will: null,
    willDueAt: Infinity,
    subscriptions: [],
    queue: [],
    outgoing: [],
    replays: [],
    incoming: [],
  };
}

export function isConnected(session: Session): session is Connected {
  return session.connection !== null;
}

/** The next moment at which a session's will or end is due. */
export function dueOf({ connection, will, willDueAt, endsAt }: Session): number {
  if (connection !== null) return connection.heardAt + connection.allowed;
  return will === null ? endsAt : Math.min(willDueAt, endsAt);
}

/** One copy for all matching subscriptions of a client. */
export function copyOf(
  message: Message,
  subscriptions: readonly Subscription[],
  way: "published" | "replay" = "published",
): Copy {
  // [v5-3.8.4-8]
  const asked = Math.max(...subscriptions.map(({ qos }) => qos));
  return {
    message,
    qos: asked < message.qos ? (asked === 0 ? 0 : 1) : message.qos,
    // Section 3.3.1.3 [v5-3.3.1-12] [v5-3.3.1-13].
    retain:
      way === "replay" ||
      (message.retain && subscriptions.some(({ retainAsPublished }) => retainAsPublished)),
    // [v5-3.3.4-3] to -5
    identifiers: subscriptions.flatMap(({ identifier }) => identifier ?? []),
    share: subscriptions.find(({ isShared }) => isShared)?.filter ?? null,
  };
}

/** Whether v5-4.6.0-6 requires one copy to be sent before another. */
export function precedes(one: Copy, other: Copy): boolean {
  const [a, b] = [one.message, other.message];
  const areAlike = a.topic === b.topic && a.publisher === b.publisher && one.qos === other.qos;
  return areAlike && a.serial < b.serial;
}

export function willOf(packet: IConnectPacket, publisher: string): Will | null {
  const { will, protocolVersion } = packet;
  if (will === undefined) return null;
  const { topic, payload, qos = 0, retain = false } = will;
  const properties = (protocolVersion === 5 ? will.properties : undefined) ?? {};
  return {
    delay: milliseconds(properties.willDelayInterval ?? 0),
    message: {
      topic,
      payload: payload.toString(),
      qos,
      retain,
      publisher,
      expiry: properties.messageExpiryInterval ?? null,
      contentType: properties.contentType ?? null,
    },
  };
}

/** The broker's CONNACK to a client that it accepts, with its limits at their defaults. */
export function connackOf(
  packet: IConnectPacket,
  version: ProtocolVersion,
  sessionPresent: boolean,
  clientId: string,
): IConnackPacket {
  if (version !== 5) return { cmd: "connack", sessionPresent, returnCode: 0 };
  const properties = {
    receiveMaximum: 100,
    maximumPacketSize: 25 * 1024 * 1024,
    topicAliasMaximum: 100,
    ...(packet.clientId === "" && { assignedClientIdentifier: clientId }),
  };
  return { cmd: "connack", sessionPresent, reasonCode: Reason.success, properties };
}

/**
 * Bytes of that CONNACK, with a client id in the broker's form where it must assign one
 * [v5-3.1.2-24].
 */
export function connackSize(packet: IConnectPacket, version: ProtocolVersion): number {
  const assigned = `auto-${crypto.randomUUID()}`;
  const connack = connackOf(packet, version, false, assigned);
  return generate(connack, { protocolVersion: version }).length;
}

/** Whether a PUBLISH exceeds its receiver's Maximum Packet Size [v5-3.1.2-24]. */
export function isTooLarge(packet: IPublishPacket, { connection }: Session): boolean {
  if (connection === null || connection.packetSize === Infinity) return false;
  const bytes = generate({ ...packet, messageId: 1 }, { protocolVersion: connection.version });
  return bytes.length > connection.packetSize;
}

/** 0xFFFFFFFF means never (v5 section 3.1.2.11.2). */
export function milliseconds(seconds: number): number {
  return seconds === 0xffff_ffff ? Infinity : seconds * 1000;
}

export function remove<Item>(list: Item[], item: Item): void {
  if (list.includes(item)) list.splice(list.indexOf(item), 1);
}
