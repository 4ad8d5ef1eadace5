import type * as z from "zod";
import type { IPublishPacket } from "mqtt-packet";
import type { MessageJson, MessagesAnswer, PublishAnswer } from "../../api/api.ts";
import { ClientMachine } from "../../client/machine.ts";
import { millisecondsOf } from "../../config/quantity.ts";
import type { PublishPacket } from "../../core/packet.ts";
import { recentMessagesOf, type RecentMessage } from "../../core/queries/queries.ts";
import { readPublish } from "../../wire/publish.ts";
import { TopicNames } from "../../wire/topics.ts";
import { BadRequest } from "./body.ts";
import type { AdminContext } from "./context.ts";
import type { ofMessages, publishOrder } from "./parameters.ts";

/** Publishes a message as ordered. Throws BadRequest for one that MQTT does not allow. */
export function publishAnswer(
  { publish }: AdminContext,
  order: z.output<typeof publishOrder>,
): PublishAnswer {
  const reach = publish(packetOf(order));
  if ("refused" in reach) throw new BadRequest(`not published: ${reach.refused}`);
  const { delivered, queued, dropped, away, retained } = reach;
  return { delivered, queued, dropped, away, retained };
}

/** The message goes through its bytes, so that the rules for a client's PUBLISH hold for it too. */
function packetOf(order: z.output<typeof publishOrder>): PublishPacket {
  const { topic, qos, retain, payload, payloadBase64, properties = {} } = order;
  if (payload !== undefined && payloadBase64 !== undefined) {
    throw new BadRequest("payload and payloadBase64 are two payloads", "give one of them");
  }
  const { correlationData, userProperties, ...others } = properties;
  const all = {
    ...others,
    ...(correlationData !== undefined && {
      correlationData: Buffer.from(correlationData, "base64"),
    }),
    ...(userProperties !== undefined && {
      // One object for each keeps their order.
      userProperties: userProperties.map(([key, value]) => ({ [key]: value })),
    }),
  };
  const bytes = new ClientMachine(5).encode({
    ...{ cmd: "publish", topic, qos, retain, dup: false, messageId: 1 },
    payload:
      payloadBase64 === undefined
        ? Buffer.from(payload ?? "")
        : Buffer.from(payloadBase64, "base64"),
    // mqtt-packet writes lists of objects too.
    properties: all as unknown as NonNullable<IPublishPacket["properties"]>,
  });
  const body = 1 + bytes.subarray(1, 5).findIndex((byte) => byte < 0x80) + 1;
  const packet = readPublish(bytes, 0, body, bytes.length, 5, new TopicNames());
  if ("detail" in packet) throw new BadRequest(`not published: ${packet.detail}`);
  return packet;
}

/** Between two looks whether the messages have come. */
const lookMs = 20;

/**
 * The last messages on matching topics; with `wait`, once there are `count` of them, or after that
 * time, or if the request is aborted or the broker stops.
 */
export async function messagesAnswer(
  { broker, clock, hub }: AdminContext,
  { topic, count, after, wait }: z.output<typeof ofMessages>,
  signal: AbortSignal,
): Promise<MessagesAnswer> {
  const until = performance.now() + (wait === undefined ? 0 : (millisecondsOf(wait) ?? 0));
  const needed = count ?? 1;
  let isOver = false;
  const stopListening = hub.listen(() => {}, { onClose: () => (isOver = true) });
  let seen = -1;
  for (;;) {
    const { lastId } = recentMessagesOf(broker, topic, Infinity, 1);
    if (lastId !== seen || isOver || signal.aborted || performance.now() >= until) {
      seen = lastId;
      const { messages, missed } = recentMessagesOf(broker, topic, after, count ?? Infinity);
      const complete = messages.length >= needed;
      if (complete || isOver || signal.aborted || performance.now() >= until) {
        stopListening();
        return { now: clock.now(), messages: messages.map(jsonOf), lastId, complete, missed };
      }
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

function jsonOf(message: RecentMessage): MessageJson & { readonly id: number } {
  const { id, at, topic, qos, retain, payload } = message;
  const text = textOf(payload);
  const properties = propertiesOf(message);
  return {
    ...{ id, at, topic, qos, retain },
    ...(text === null
      ? { payloadBase64: Buffer.from(payload).toString("base64") }
      : { payload: text }),
    ...(properties !== null && { properties }),
  };
}

/** Read by the client's parser, from a PUBLISH that has them; null: there are none. */
function propertiesOf({
  properties,
}: RecentMessage): NonNullable<MessageJson["properties"]> | null {
  if (properties === null || properties.length === 0) return null;
  const length = variable(properties.length);
  const body = Buffer.concat([Buffer.from([0, 1, 0x61]), length, properties]);
  const frame = Buffer.concat([Buffer.from([0x30]), variable(body.length), body]);
  const [event] = new ClientMachine(5).receive(frame).events;
  if (event?.event !== "message") return null;
  const { userProperties, correlationData, ...others } = event.packet.properties ?? {};
  return {
    ...others,
    ...(correlationData !== undefined && { correlationData: correlationData.toString("base64") }),
    ...(userProperties !== undefined && {
      userProperties: Object.entries(userProperties).flatMap(([key, values]) =>
        [values].flat().map((value) => [key, value]),
      ),
    }),
  };
}

/** A Variable Byte Integer. */
function variable(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return Buffer.from(bytes);
}

/** Null: it is no UTF-8. */
function textOf(payload: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(payload);
  } catch {
    return null;
  }
}
