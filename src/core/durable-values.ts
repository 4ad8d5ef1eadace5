import { assert } from "./assert.ts";
import type {
  DurableMessage,
  DurableOutgoing,
  DurableQueued,
  DurableSession,
  DurableSubscription,
  DurableWill,
} from "./durable.ts";
import type { Outgoing } from "./inflight.ts";
import type { KeptMessage } from "./journal.ts";
import type { Copy } from "./copy.ts";
import type { Queued } from "./queue.ts";
import type { Session } from "./session.ts";
import type { Subscription } from "./subscriptions.ts";
import type { Will } from "./will.ts";

/** Records of the broker's state as it is now. */

export function messageRecord({ message: of, number: message }: KeptMessage): DurableMessage {
  const { topic, payload, qos, retain, properties, expiresAt } = of;
  return { message, topic, payload, qos, retain, properties, expiresAt };
}

export function sessionRecord(of: Session, session: number): DurableSession {
  const { clientId, version, username, accessList, origin, createdAt, connection } = of;
  assert(version !== null && origin !== null, "a session is durable once its CONNECT is accepted");
  const { expiryIntervalSeconds: expiry, hasUsedSharedFilters, ended } = of;
  return {
    session,
    clientId,
    version,
    username,
    accessList,
    ...origin,
    createdAt,
    ended: connection === null ? ended : null,
    expirySeconds: expiry === Infinity ? null : expiry,
    hasUsedSharedFilters,
  };
}

export function subscriptionRecord(
  { filter, pattern, mountLength, qos, noLocal, retainAsPublished, identifier }: Subscription,
  session: number,
  owesRetained: boolean,
): DurableSubscription {
  const mountPoint = pattern.slice(0, mountLength);
  const options = { qos, noLocal, retainAsPublished, identifier, owesRetained };
  return { session, filter, mountPoint, ...options };
}

export function queuedRecord(
  { copy }: Queued,
  session: number,
  place: number,
  message: number,
): DurableQueued {
  return { session, place, message, ...partsOf(copy) };
}

export function outgoingRecord(
  { packetId, order, awaited, strip, copy }: Outgoing,
  session: number,
  message: number,
): DurableOutgoing {
  assert(awaited !== null, "what is in flight awaits an acknowledgement");
  return { session, packetId, message, order, awaited, strip, ...partsOf(copy) };
}

function partsOf({
  qos,
  retain,
  identifiers,
  shared,
}: Copy): Pick<DurableQueued, "qos" | "retain" | "identifiers" | "shared"> {
  assert(qos !== 0, "QoS 0 is not durable");
  return { qos, retain, identifiers, shared: shared?.filter ?? null };
}

export function willRecord(will: Will, session: number): DurableWill {
  const { packet, topic, armedAt, ended, dueAt } = will;
  const { payload, qos, retain, delayIntervalSeconds, expirySeconds, properties } = packet;
  return {
    ...{ session, topic: packet.topic },
    mountPoint: topic.slice(0, topic.length - packet.topic.length),
    ...{ payload, qos, retain, delayIntervalSeconds, expirySeconds, properties },
    ...{ armedAt, ended, dueAt },
  };
}
