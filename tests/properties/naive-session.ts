import {
  generate,
  type IConnackPacket,
  type IConnectPacket,
  type IPublishPacket,
} from "mqtt-packet";
import type { ProtocolVersion, Qos } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";

/** What the naive broker remembers, as plain data. Times are milliseconds. */

export interface Message {
  readonly topic: string;
  readonly payload: string;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Message Expiry Interval in seconds; null: never. */
  readonly expiry: number | null;
  readonly contentType: string | null;
  readonly publisher: string;
  /** When it was published, and its place in the order of all publications. */
  readonly at: number;
  readonly serial: number;
}

/** What one client is to get of a message. */
export interface Copy {
  readonly message: Message;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly identifiers: readonly number[];
  /** The filter of the shared subscription by which it came; null: by ordinary ones. */
  readonly share: string | null;
}

/** A copy that was sent and waits for the end of its exchange. */
export interface Outgoing extends Copy {
  /** Other copies that it can have been. */
  readonly alike: readonly Copy[];
  readonly id: number;
  /** PUBREC has come. */
  released: boolean;
}

export interface Subscription {
  readonly filter: string;
  /** Less `$share/group/`. */
  readonly pattern: string;
  readonly isShared: boolean;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  readonly identifier: number | null;
}

/** A SUBSCRIBE that asked for retained messages. */
export interface Replay {
  readonly filter: string;
  /** The serial of the first message that was published after it. */
  readonly since: number;
  readonly done: Message[];
  /** They exceeded the client's Maximum Packet Size, so that they count as sent or come later. */
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
  /** Unfinished messages that it takes at once. */
  readonly window: number;
  readonly packetSize: number;
  /** Topics by alias. */
  readonly aliases: string[];
  /** Of the session's outgoing messages, those that are still to be sent again. */
  readonly unsent: Outgoing[];
}

export interface Session {
  readonly clientId: string;
  connection: Connection | null;
  expiry: number;
  endsAt: number;
  will: Will | null;
  /** Without meaning while there is no will, or a connection. */
  willDueAt: number;
  readonly subscriptions: Subscription[];
  queue: Copy[];
  readonly outgoing: Outgoing[];
  replays: Replay[];
  /** Packet ids of QoS 2 messages that wait for their PUBREL. */
  incoming: number[];
}

export type Connected = Session & { connection: Connection };

/** What one member of a shared subscription leaves to the others. */
export interface Left {
  readonly message: Message;
  readonly share: string;
  /** It can have been a copy of another subscription, which is left to nobody. */
  readonly isUnsure: boolean;
}

/**
 * Section 4.8.2: QoS 1 that was not acknowledged, and what was not sent yet. [v5-4.8.2-5]: no QoS 2
 * delivery that has begun.
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

/** The next moment at which something happens to a session by itself. */
export function dueOf({ connection, will, willDueAt, endsAt }: Session): number {
  if (connection !== null) return connection.heardAt + connection.allowed;
  return will === null ? endsAt : Math.min(willDueAt, endsAt);
}

/** One copy for all the subscriptions of a client that matched. */
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

/** Whether v5-4.6.0-6 wants one copy sent before another. */
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

/** What the broker says to a client that it lets in, with its limits at their defaults. */
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

/** Bytes of that CONNACK, with a client id as the broker makes them where it has to [v5-3.1.2-24]. */
export function connackSize(packet: IConnectPacket, version: ProtocolVersion): number {
  const assigned = `auto-${crypto.randomUUID()}`;
  const connack = connackOf(packet, version, false, assigned);
  return generate(connack, { protocolVersion: version }).length;
}

/** Whether a PUBLISH exceeds the Maximum Packet Size of its receiver [v5-3.1.2-24]. */
export function isTooLarge(packet: IPublishPacket, { connection }: Session): boolean {
  if (connection === null || connection.packetSize === Infinity) return false;
  const bytes = generate({ ...packet, messageId: 1 }, { protocolVersion: connection.version });
  return bytes.length > connection.packetSize;
}

/** 0xFFFFFFFF stands for never (v5 section 3.1.2.11.2). */
export function milliseconds(seconds: number): number {
  return seconds === 0xffff_ffff ? Infinity : seconds * 1000;
}

export function remove<Item>(list: Item[], item: Item): void {
  if (list.includes(item)) list.splice(list.indexOf(item), 1);
}
