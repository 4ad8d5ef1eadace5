import type { Broker } from "./broker.ts";
import type { Reach } from "./events.ts";
import { after } from "./io.ts";
import type { Message, Qos } from "./packet.ts";
import { Reason, type ReasonCode } from "./reason.ts";
import type { Sized } from "./retained.ts";
import type { Session } from "./session.ts";
import { isServerOwned } from "./topic.ts";

/** Expired messages that one turn deletes. */
const expiredAtOnce = 200;
/** Milliseconds between two turns that delete expired messages, if none is left over. */
const expireEveryMs = 1000;

/**
 * Stores a message with RETAIN 1, or deletes its topic's one if the payload is empty [v4-3.3.1-5]
 * [v4-3.3.1-7] [v4-3.3.1-10] [v4-3.3.1-11] [v5-3.3.1-7]. One with RETAIN 0 does not come here
 * [v4-3.3.1-12] [v5-3.3.1-8]. `isOwed`: a will or the broker's own, kept however little memory is
 * left.
 */
export function retain(
  broker: Broker,
  publisher: Session | null,
  message: Message,
  isOwed: boolean,
): Reach["retained"] {
  const { retained, now } = broker;
  const { topic } = message;
  if (message.payload.length === 0) {
    if (!retained.clear(topic)) return null;
    scheduleExpiry(broker);
    broker.records.retained(publisher, message);
    return "cleared";
  }
  const limit = retained.limitFor(message, now);
  if (limit !== null) {
    const why = "retained messages full";
    broker.note({ event: "dropping", clientId: null, why, topic, limit });
    return null;
  }
  if (!isOwed && !hasMemoryFor(broker, message, message.qos)) {
    broker.note({ event: "dropping", clientId: null, why: "memory full", topic });
    return null;
  }
  retained.store(message, now);
  broker.records.retained(publisher, message);
  scheduleExpiry(broker);
  return "stored";
}

/**
 * Refuses a retained message that cannot be kept. Only an acknowledgement of v5 can tell its
 * publisher so: others are delivered all the same. Null: it can be kept.
 */
export function refusalToRetain(
  broker: Broker,
  message: Sized,
): { readonly reason: ReasonCode; readonly detail: string } | null {
  if (message.payload.length === 0) return null;
  const limit = broker.retained.limitFor(message, broker.now);
  if (limit === null) {
    if (hasMemoryFor(broker, message, 1)) return null;
    const detail = `little memory is left of ${broker.memory.limit} B (limits.memory)`;
    return { reason: Reason.quotaExceeded, detail };
  }
  const what = {
    retainedMessages: "retained messages",
    retainedBytes: "B of retained messages",
  };
  return {
    reason: Reason.quotaExceeded,
    detail: `the limit of ${broker.limits[limit]} ${what[limit]} is reached (limits.${limit})`,
  };
}

/** Whether memory is left to keep a message, or it takes no more than the one that it replaces. */
function hasMemoryFor({ memory, retained }: Broker, message: Sized, qos: Qos): boolean {
  const measure = qos === 0 ? "dropQos0" : "refuseMessages";
  const growth = retained.growthBy(message);
  return growth <= 0 || memory.hasRoomBefore(measure, growth);
}

/**
 * Whether the retained messages that match are sent to a new subscription. Without `limits.retain` only
 * the broker's own are: those of a store, or of before a reload, stay where they are. A wildcard at the
 * first level matches none of the broker's.
 */
export function sendsRetained({ limits }: Broker, pattern: string): boolean {
  return limits.retain || isServerOwned(pattern);
}

/** Deletes messages that have expired. */
export function expireRetained(broker: Broker): void {
  const isDone = broker.retained.expire(broker.now, expiredAtOnce) < expiredAtOnce;
  const { nextExpiry } = broker.retained;
  if (nextExpiry === null) return;
  const soonest = after(broker.now, isDone ? expireEveryMs : 1);
  broker.deadlines.set(broker.expiry, nextExpiry > soonest ? nextExpiry : soonest);
}

export function scheduleExpiry({ retained, deadlines, expiry }: Broker): void {
  const { nextExpiry } = retained;
  if (nextExpiry === null) return deadlines.clear(expiry);
  if (!expiry.isSet || nextExpiry < expiry.due) deadlines.set(expiry, nextExpiry);
}
