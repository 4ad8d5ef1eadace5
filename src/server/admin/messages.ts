import type * as z from "zod";
import type { IPublishPacket } from "mqtt-packet";
import type { MessageJson, MessagesAnswer, PublishAnswer } from "../../api/api.ts";
import { ClientMachine } from "../../client/machine.ts";
import { millisecondsOf } from "../../config/quantity.ts";
import type { PublishPacket } from "../../core/packet.ts";
import {
  onRecentMessage,
  type RecentMessage,
  recentMessagesOf,
} from "../../core/queries/queries.ts";
import { readPublish } from "../../wire/publish.ts";
import { TopicNames } from "../../wire/topics.ts";
import { BadRequest } from "./body.ts";
import type { AdminContext } from "./context.ts";
import { type Json, jsonArray, jsonObject, jsonOf, jsonText, jsonWith } from "./json.ts";
import type { ofMessages, publishOrder } from "./parameters.ts";
import type { Turns } from "./turns.ts";

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

/**
 * The last messages on matching topics; with `wait`, once there are `count` of them, or after that
 * time, or if the request is aborted or the broker stops.
 */
export async function messagesJson(
  { broker, clock, hub }: AdminContext,
  { topic, count, after, wait }: z.output<typeof ofMessages>,
  signal: AbortSignal,
  turns: Turns,
): Promise<Json<MessagesAnswer>> {
  const needed = count ?? 1;
  const waiting = wait === undefined ? null : new Waiting(millisecondsOf(wait) ?? 0, signal);
  // Those that come while the others are searched count for the next search.
  const stop =
    waiting === null
      ? []
      : [
          onRecentMessage(broker, topic, () => waiting.came()),
          hub.listen(() => {}, { onClose: () => waiting.end() }),
          () => waiting.end(),
        ];
  try {
    for (;;) {
      const isLast = waiting === null || waiting.isOver;
      const { messages, lastId, missed } = recentMessagesOf(
        broker,
        topic,
        after,
        count ?? Infinity,
      );
      const found = await turns.all(messages);
      const complete = found.length >= needed;
      if (complete || isLast) {
        return jsonObject<MessagesAnswer>({
          now: jsonOf(() => clock.now()),
          messages: jsonArray(found.reverse(), messageJson),
          lastId: jsonOf(() => lastId),
          complete: jsonOf(() => complete),
          missed: jsonOf(() => missed),
        });
      }
      await waiting.forMore(needed - found.length);
    }
  } finally {
    for (const one of stop) one();
  }
}

/** Waits for messages, until a time or until something ends it. */
class Waiting {
  isOver = false;
  #come = 0;
  #wanted = Infinity;
  #wake = (): void => {};
  readonly #timeout: ReturnType<typeof setTimeout>;

  constructor(ms: number, signal: AbortSignal) {
    this.#timeout = setTimeout(() => this.end(), ms);
    signal.addEventListener("abort", () => this.end());
    if (signal.aborted || ms === 0) this.end();
  }

  /** A message has come. */
  came(): void {
    this.#come += 1;
    if (this.#come >= this.#wanted) this.#wake();
  }

  end(): void {
    clearTimeout(this.#timeout);
    this.isOver = true;
    this.#wake();
  }

  /** Resolves when so many have come since the last call, or when it is over. */
  async forMore(wanted: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    this.#wanted = wanted;
    if (this.isOver || this.#come >= wanted) resolve();
    await promise;
    this.#come = 0;
    this.#wanted = Infinity;
  }
}

function messageJson(message: RecentMessage): Json<MessagesAnswer["messages"][number]> {
  const { id, at, topic, qos, retain, payload } = message;
  return {
    *[Symbol.iterator]() {
      const properties = propertiesOf(message);
      const facts = { id, at, topic, qos, retain, ...(properties !== null && { properties }) };
      const text = textOf(payload);
      yield* text === null
        ? jsonWith(facts, "payloadBase64", jsonText(Buffer.from(payload).toString("base64")))
        : jsonWith(facts, "payload", jsonText(text));
    },
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
  const { userProperties } = event.packet;
  const { userProperties: _, correlationData, ...others } = event.packet.properties ?? {};
  return {
    ...others,
    ...(correlationData !== undefined && { correlationData: correlationData.toString("base64") }),
    ...(userProperties.length > 0 && { userProperties }),
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
