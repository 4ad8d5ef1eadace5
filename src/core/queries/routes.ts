import type { RetainedAccount, RouteAccount } from "../records/shapes.ts";
import type { Broker } from "../broker.ts";
import { isHeldBack, mayAdd, sees } from "../forward.ts";
import type { Message, Qos } from "../packet.ts";
import { nextMember } from "../publish.ts";
import type { Session } from "../session.ts";
import type { Group, Recipient as Matched } from "../subscriptions.ts";
import { matches } from "../topic.ts";
import type { Walk } from "../walk.ts";

type Recipient = RouteAccount["recipients"][number];

/** Bytes of a payload that a list shows. */
const payloadShown = 64;

/**
 * Who would get a message on a topic, and by which of its filters; of a shared subscription, who is
 * next. The message is taken to have a QoS as high as the subscription's. Changes nothing.
 */
export function* routeFor(broker: Broker, topic: string): Walk<Recipient> {
  const { recipients, groups, withoutLocal } = broker.subscriptions.match(topic);
  for (const recipient of recipients) {
    if (isOutOfSight(recipient.session, topic)) continue;
    const noLocal = withoutLocal.get(recipient.session) === null;
    yield* ordinary(broker, topic, recipient, noLocal);
  }
  for (const group of groups) yield* shared(broker, group, topic);
}

function* ordinary(
  broker: Broker,
  topic: string,
  { session, qos }: Matched,
  noLocal: boolean,
): Walk<Recipient> {
  const filters: string[] = [];
  for (const { filter, group, pattern } of session.subscriptions.values()) {
    if (group === null && matches(pattern, topic)) filters.push(filter);
    yield null;
  }
  const connected = session.connection !== null;
  const outcome = outcomeFor(broker, session, qos);
  yield { clientId: session.clientId, connected, qos, filters, noLocal, outcome };
}

function* shared(broker: Broker, group: Group, topic: string): Walk<Recipient> {
  const next = nextMember(group, topic);
  for (const member of group.members) {
    const { session, qos, filter } = member;
    if (isOutOfSight(session, topic)) continue;
    yield {
      clientId: session.clientId,
      connected: session.connection !== null,
      qos,
      filters: [filter],
      noLocal: false,
      outcome: member === next ? outcomeFor(broker, session, qos) : "shared: another member's turn",
    };
  }
}

/** It has moved behind another mount point since it subscribed. */
function isOutOfSight({ connection }: Session, topic: string): boolean {
  return connection !== null && !sees(connection, topic);
}

/** As `forward.offer` would decide, within the limits of the queue. */
function outcomeFor(broker: Broker, session: Session, qos: Qos): Recipient["outcome"] {
  const { connection } = session;
  const ready = connection !== null && !connection.blocked;
  if (ready && (qos === 0 ? !isHeldBack(session) : mayAdd(session, connection))) return "sent";
  if (qos > 0 || ready || broker.limits.queueQos0) return "queued";
  return connection === null ? "dropped: QoS 0 and not connected" : "dropped: QoS 0 and no room";
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
