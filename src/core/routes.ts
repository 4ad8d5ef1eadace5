import type { RetainedAccount, RouteAccount } from "./account.ts";
import type { Broker } from "./broker.ts";
import type { Message } from "./packet.ts";
import type { Group, Recipient as Matched } from "./subscriptions.ts";
import { matches } from "./topic.ts";
import type { Walk } from "./walk.ts";

type Recipient = RouteAccount["recipients"][number];

/** Bytes of a payload that a list shows. */
const payloadShown = 64;

/** Who would get a message on a topic, and by which of its filters. Changes nothing. */
export function* routeFor(broker: Broker, topic: string): Walk<Recipient> {
  const { recipients, groups } = broker.subscriptions.match(topic);
  for (const recipient of recipients) yield* ordinary(broker, topic, recipient);
  for (const group of groups) yield* shared(group);
}

function* ordinary(broker: Broker, topic: string, { session, qos }: Matched): Walk<Recipient> {
  const filters: string[] = [];
  for (const { filter, group, pattern } of session.subscriptions.values()) {
    if (group === null && matches(pattern, topic)) filters.push(filter);
    yield null;
  }
  const connected = session.connection !== null;
  const waits = qos > 0 || broker.limits.queueQos0;
  const outcome = connected ? "sent" : waits ? "queued" : "dropped: QoS 0 and not connected";
  yield { clientId: session.clientId, connected, qos, filters, outcome };
}

function* shared({ members, turn }: Group): Walk<Recipient> {
  for (const [index, member] of members.entries()) {
    const connected = member.session.connection !== null;
    const isNext = index === turn % members.length;
    yield {
      clientId: member.session.clientId,
      connected,
      qos: member.qos,
      filters: [member.filter],
      outcome: isNext ? (connected ? "sent" : "queued") : "shared: another member's turn",
    };
  }
}

/** Retained messages whose topics match a filter. */
export function* retainedOf(broker: Broker, filter: string): Walk<RetainedAccount> {
  for (const message of broker.retained.match(filter, () => broker.now)) {
    yield message && retainedAccount(message);
  }
}

function retainedAccount({ topic, qos, payload, expiresAt }: Message): RetainedAccount {
  return {
    topic,
    qos,
    payloadBytes: payload.length,
    payload: base64(payload.subarray(0, payloadShown)),
    expiresAt,
  };
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The platform's own encoders are not the core's to use. */
function base64(bytes: Uint8Array): string {
  let text = "";
  for (let index = 0; index < bytes.length; index += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(index, index + 3);
    const group = (a << 16) | (b << 8) | c;
    const lacking = Math.max(0, index + 3 - bytes.length);
    for (let digit = 0; digit < 4 - lacking; digit++) {
      text += digits.charAt((group >> (18 - 6 * digit)) & 63);
    }
    text += "=".repeat(lacking);
  }
  return text;
}
