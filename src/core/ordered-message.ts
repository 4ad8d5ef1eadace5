import type { Broker } from "./broker.ts";
import { after } from "./io.ts";
import { payloadBytesOf, type PublishPacket, ReceivedMessage } from "./packet.ts";
import { publish } from "./publish.ts";
import { refusalToRetain } from "./retain.ts";
import { publishDueWill } from "./session-end.ts";
import { isForServerOnly, tooDeep } from "./topic.ts";

/**
 * Publishes a message of the operator, as one that no session has sent. The event tells whom it
 * reached, or why it was refused.
 */
export function publishOrdered(broker: Broker, packet: PublishPacket): void {
  const { topic, qos, retain, expirySeconds } = packet;
  const what = { topic, qos, retain, payloadBytes: payloadBytesOf(packet) };
  const refused = refusalOf(broker, packet);
  if (refused !== null) {
    return broker.note({ event: "operatorPublished", ...what, reach: null, refused });
  }
  for (const will of broker.postponed.on(topic)) publishDueWill(broker, will);
  const expiresAt = expirySeconds === null ? null : after(broker.now, expirySeconds * 1000);
  const reach = publish(broker, null, new ReceivedMessage(packet, topic, expiresAt, null));
  broker.note({ event: "operatorPublished", ...what, reach, refused });
}

/** In words; null: it can be published. */
function refusalOf(broker: Broker, packet: PublishPacket): string | null {
  const { topic, payload, properties, retain } = packet;
  const { payloadSize, topicLevels } = broker.limits;
  if (isForServerOnly("", topic)) return "only the broker may publish below $SYS";
  if (tooDeep(topic, topicLevels)) {
    return `the topic exceeds the limit of ${topicLevels} levels (limits.topicLevels)`;
  }
  if (payload.length > payloadSize) {
    return `the payload exceeds the limit of ${payloadSize} B (limits.payloadSize)`;
  }
  return retain ? (refusalToRetain(broker, { topic, payload, properties })?.detail ?? null) : null;
}
