import type { Broker } from "../broker.ts";
import type { WillTopicAccount } from "../records/will-account.ts";
import type { WillTopic } from "../records/will-topics.ts";
import type { WillRecord } from "../records/wills.ts";
import { base64 } from "../records/base64.ts";

/** Other clients named in an account. */
const othersNamed = 10;

/** The topic of a client's newest will; null: not kept. */
export function willTopicOf(broker: Broker, newest: WillRecord): WillTopicAccount | null {
  const { topic } = newest.facts;
  const known = broker.records.topics.of(topic);
  if (known === null) return null;
  const isRetained = broker.retained.has(topic);
  return {
    topic,
    retained: isRetained ? retainedOn(known) : null,
    others: othersOn(known, newest),
  };
}

function retainedOn({ retained }: WillTopic): WillTopicAccount["retained"] {
  return retained === null ? null : { ...retained, payload: base64(retained.payload) };
}

function othersOn({ armed }: WillTopic, newest: WillRecord): WillTopicAccount["others"] {
  const others = armed.slice(0, othersNamed + 1).filter((one) => one !== newest);
  const clientIds = others.slice(0, othersNamed).map(({ origin }) => origin.clientId);
  return { count: armed.length - (newest.state === "armed" ? 1 : 0), clientIds };
}
