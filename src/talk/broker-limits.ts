import type { IConnackPacket } from "mqtt-packet";
import type { ClientVersion } from "../client/machine.ts";
import type { OutgoingMessage } from "../client/outgoing.ts";

/** The message's Topic Alias, if the broker takes it; null: none. */
export function aliasOf(
  { properties }: OutgoingMessage,
  connack: IConnackPacket | null,
): number | null {
  const alias = properties?.topicAlias;
  const most = connack?.properties?.topicAliasMaximum ?? 0;
  return alias !== undefined && alias >= 1 && alias <= most ? alias : null;
}

/** Why a message breaks what CONNACK said; null: it does not. */
export function refusedByLimits(
  message: OutgoingMessage,
  { properties = {} }: IConnackPacket,
  version: ClientVersion,
): string | null {
  if (version < 5) return null;
  const { maximumQoS, retainAvailable, maximumPacketSize, topicAliasMaximum = 0 } = properties;
  const alias = message.properties?.topicAlias;
  // [v5-3.2.2-11]
  if (maximumQoS !== undefined && message.qos > maximumQoS) {
    return `the broker takes QoS ${maximumQoS} at most`;
  }
  // [v5-3.2.2-14]
  if (retainAvailable === false && message.retain) return "the broker retains no messages";
  // [v5-3.2.2-18]
  if (alias !== undefined && (alias < 1 || alias > topicAliasMaximum)) {
    return topicAliasMaximum === 0
      ? "the broker takes no topic alias"
      : `the broker takes topic aliases from 1 to ${topicAliasMaximum}`;
  }
  // [v5-3.2.2-15] The largest header, with a packet id.
  const bytes = message.payload.length + Buffer.byteLength(message.topic) + 10;
  if (maximumPacketSize !== undefined && bytes > maximumPacketSize) {
    return `the broker takes packets of ${maximumPacketSize} bytes at most, and the message has ${message.payload.length}`;
  }
  return null;
}
