import { mayRead, rightsOf } from "../access-lists.ts";
import { base64 } from "../records/base64.ts";
import type { RetainedAccount, RouteAccount } from "../records/broker-account.ts";
import type { Broker } from "../broker.ts";
import { copyFor, type Recipient as Matched } from "../copy.ts";
import {
  decide,
  nextMember,
  isVisibleTo,
  applyNoLocal,
  type Decision,
  type Measured,
} from "../decision.ts";
import type { Message } from "../packet.ts";
import type { Session } from "../session.ts";
import type { Group } from "../subscriptions.ts";
import { isHidden, matches } from "../topic.ts";
import type { Steps } from "../steps.ts";

type Recipient = RouteAccount["recipients"][number];

/** Bytes of each payload in a list. */
const payloadShown = 64;

/**
 * The recipients of a message with the filters that match, and the next member of each group. Each
 * answer is what `publish` would do with that copy alone now. Changes nothing. `message`: without
 * RETAIN; by default with an empty payload and QoS 2, so that each subscription's own QoS applies.
 * `publisher`: its own No Local subscriptions get nothing; null: a client without subscriptions.
 */
export function* routeFor(
  broker: Broker,
  topic: string,
  message: Measured = emptyMessage(topic),
  publisher: Session | null = null,
): Steps<Recipient> {
  const match = broker.subscriptions.match(topic);
  for (const recipient of match.recipients) {
    const { session } = recipient;
    const filters: string[] = [];
    for (const { filter, group, pattern, mountLength } of session.subscriptions.values()) {
      const reaches = matches(pattern, topic) && !isHidden(pattern, topic, mountLength);
      if (group === null && reaches) filters.push(filter);
      yield null;
    }
    const noLocal = match.withoutLocal.get(session) === null;
    const wanted = applyNoLocal(match, recipient, publisher);
    const end = wanted === null ? ownMessage : outcomeFor(broker, wanted, message);
    yield { ...accountOf(wanted ?? recipient), filters, noLocal, ...end };
  }
  for (const group of match.groups) yield* shared(broker, group, message);
}

function emptyMessage(topic: string): Measured {
  return { topic, qos: 2, payload: { length: 0 }, properties: null, expiresAt: null };
}

function accountOf({ session, qos }: Matched): Pick<Recipient, "clientId" | "connected" | "qos"> {
  return { clientId: session.clientId, connected: session.connection !== null, qos };
}

function* shared(broker: Broker, group: Group, message: Measured): Steps<Recipient> {
  const { topic } = message;
  const sessions = group.members.map(({ session }) => session);
  const denied = new Set(sessions.filter((one) => !mayRead(broker, one, topic)));
  const next = nextMember(group, topic, denied);
  for (const member of group.members) {
    const { connection, hasLeft } = member.session;
    if (hasLeft) continue;
    const isPassed =
      member !== next &&
      !denied.has(member.session) &&
      (connection === null || isVisibleTo(connection, topic));
    const end = isPassed ? passed : outcomeFor(broker, member, message);
    yield { ...accountOf(member), filters: [member.shared.filter], noLocal: false, ...end };
  }
}

const outcomes: Readonly<Record<Decision, Recipient["outcome"]>> = {
  sent: "sent",
  queued: "queued",
  "not visible": "dropped: behind another mount point",
  away: "dropped: QoS 0 and not connected",
  blocked: "dropped: QoS 0 and no room",
  "queue full": "dropped: its queue is full",
  "memory full": "dropped: QoS 0 and little memory",
  "packet too large": "dropped: larger than its Maximum Packet Size",
};

type End = Pick<Recipient, "outcome" | "deniedBy">;

const ownMessage: End = { outcome: "dropped: its own message" };
const passed: End = { outcome: "shared: another member's turn" };

function outcomeFor(broker: Broker, recipient: Matched, message: Measured): End {
  const { session } = recipient;
  if (!mayRead(broker, session, message.topic)) {
    const { by } = rightsOf(broker, session).verdict("read", message.topic);
    return { outcome: "dropped: may not read the topic", deniedBy: by };
  }
  const copy = copyFor(recipient, { qos: message.qos, retain: false });
  return { outcome: outcomes[decide(broker, session, message, copy, false)] };
}

/** Retained messages whose topics match a filter. */
export function* retainedOf(broker: Broker, filter: string): Steps<RetainedAccount> {
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
