import type { Broker } from "../core/broker.ts";
import { onRecentMessage, type RecentMessage, recentMessagesOf } from "../core/queries/queries.ts";
import { allOf } from "../core/steps.ts";
import type { PublishedMessage } from "./api.ts";

/** The last messages on matching topics, oldest first. */
export function messagesOn(broker: Broker, filter: string): PublishedMessage[] {
  return found(broker, filter, Infinity).reverse().map(published);
}

/** Resolves when there are `count` of them. `stop`: there is no more need to wait. */
export function messagesCome(
  broker: Broker,
  filter: string,
  count: number,
): { readonly come: Promise<void>; readonly stop: () => void } {
  // Not `Promise.withResolvers`, which Node 20 lacks.
  let resolve = (): void => {};
  const come = new Promise<void>((settle) => (resolve = settle));
  const look = (): void => {
    if (found(broker, filter, count).length >= count) resolve();
  };
  const stop = onRecentMessage(broker, filter, look);
  look();
  return { come, stop };
}

function found(broker: Broker, filter: string, limit: number): RecentMessage[] {
  return limit === 0 ? [] : allOf(recentMessagesOf(broker, filter, 0, limit).messages);
}

function published({
  topic,
  payload,
  qos,
  retain,
  isWill,
  clientId,
  at,
}: RecentMessage): PublishedMessage {
  const own = new Uint8Array(payload);
  return { topic, payload: own, qos, retain, isWill, clientId, at, text: decoder.decode(own) };
}

const decoder = new TextDecoder();
