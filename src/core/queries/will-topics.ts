import type { Broker } from "../broker.ts";
import type { WillTopicAccount } from "../records/shapes.ts";
import type { WillTopic } from "../records/will-topics.ts";
import type { WillRecord } from "../records/wills.ts";
import { base64 } from "./routes.ts";

/** Other clients named in an account. */
const othersNamed = 10;

/** The topic of a will; null: not kept. */
export function willTopicOf(
  broker: Broker,
  { facts, origin }: WillRecord,
): WillTopicAccount | null {
  const { topic } = facts;
  const known = broker.records.topics.of(topic);
  if (known === null) return null;
  const isRetained = broker.retained.has(topic);
  return {
    topic,
    retained: isRetained ? retainedOn(known) : null,
    others: othersOn(known, origin.clientId),
  };
}

function retainedOn({ retained }: WillTopic): WillTopicAccount["retained"] {
  return retained === null ? null : { ...retained, payload: base64(retained.payload) };
}

function othersOn(topic: WillTopic, clientId: string): WillTopicAccount["others"] {
  const clientIds: string[] = [];
  let count = 0;
  for (const { origin, state } of topic.holders()) {
    if (origin.clientId === clientId || state !== "armed") continue;
    count += 1;
    if (clientIds.length < othersNamed) clientIds.push(origin.clientId);
  }
  return { count, clientIds };
}
