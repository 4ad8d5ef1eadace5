import type { RetainedAccount, RouteAccount, SubscriptionAccount } from "./account.ts";
import type { Broker } from "./broker.ts";
import { subscriptionAccount } from "./clients.ts";
import { matches } from "./topic.ts";

type Recipient = RouteAccount["recipients"][number];

/** Bytes of a payload that a list shows. */
const payloadShown = 64;

export function subscriptionsOf(broker: Broker): SubscriptionAccount[] {
  return [...broker.sessions.values()].flatMap(({ subscriptions }) =>
    [...subscriptions.values()].map(subscriptionAccount),
  );
}

/** Who would get a message on a topic, and by which of its filters. Changes nothing. */
export function routeFor(broker: Broker, topic: string): RouteAccount {
  const { recipients, groups } = broker.subscriptions.match(topic);
  const ordinary = recipients.map(({ session, qos }): Recipient => {
    const own = [...session.subscriptions.values()].filter(
      ({ group, pattern }) => group === null && matches(pattern, topic),
    );
    const connected = session.connection !== null;
    const waits = qos > 0 || broker.limits.queueQos0;
    return {
      clientId: session.clientId,
      connected,
      qos,
      filters: own.map(({ filter }) => filter),
      outcome: connected ? "sent" : waits ? "queued" : "dropped: QoS 0 and not connected",
    };
  });
  const shared = groups.flatMap(({ members, turn }) =>
    members.map((member, index): Recipient => {
      const connected = member.session.connection !== null;
      return {
        clientId: member.session.clientId,
        connected,
        qos: member.qos,
        filters: [member.filter],
        outcome:
          index !== turn % members.length
            ? "shared: another member's turn"
            : connected
              ? "sent"
              : "queued",
      };
    }),
  );
  return { topic, recipients: [...ordinary, ...shared] };
}

/** Retained messages whose topics match a filter; `more`: there are others beyond the limit. */
export function retainedOf(
  broker: Broker,
  filter: string,
  limit: number,
): { readonly retained: RetainedAccount[]; readonly more: boolean } {
  const retained: RetainedAccount[] = [];
  for (const { topic, qos, payload, expiresAt } of broker.retained.match(
    filter,
    () => broker.now,
  )) {
    if (retained.length === limit) return { retained, more: true };
    retained.push({
      topic,
      qos,
      payloadBytes: payload.length,
      payload: base64(payload.subarray(0, payloadShown)),
      expiresAt,
    });
  }
  return { retained, more: false };
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
