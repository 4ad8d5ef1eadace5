import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import type { Deadline } from "./deadlines.ts";
import type { SessionEnd } from "./events.ts";
import { startHandover } from "./handover.ts";
import { after } from "./io.ts";
import type { Session } from "./session.ts";
import type { Timed } from "./timed.ts";
import type { Will } from "./will.ts";
import { dueOf, endDelay, postponeBehindOther, publishWill } from "./will-fate.ts";

/** A session whose connection has ended: ends too, or waits for its Session Expiry Interval. */
export function startExpiry(broker: Broker, session: Session): void {
  if (session.expiryIntervalSeconds === 0) return endSession(broker, session, "connection ended");
  session.endedAt = broker.now;
  if (session.expiryIntervalSeconds === Infinity) return;
  const due = after(broker.now, session.expiryIntervalSeconds * 1000);
  broker.deadlines.set(session.deadline, due);
}

/** Ends a session for good. A will that still waits is due now [v5-3.1.2-8]. */
export function endSession(broker: Broker, session: Session, why: SessionEnd): void {
  assert(session.connection === null, "a session ends after its connection");
  unsubscribeAll(broker, session);
  const will = session.will;
  if (will !== null) endDelay(broker, will, why);
  broker.deadlines.clear(session.deadline);
  broker.deadlines.clear(session.pump);
  startHandover(broker, session);
  session.queue.clear();
  broker.sessions.delete(session.clientId);
  if (why === "expired") broker.statistics.sessionsExpired += 1;
  if (why !== "connection ended") {
    broker.note({ event: "sessionEnded", clientId: session.clientId, why });
  }
}

/** A session that ends gets nothing more: its own will goes to those who stay. */
export function unsubscribeAll(broker: Broker, session: Session): void {
  for (const subscription of session.subscriptions.values()) {
    broker.subscriptions.remove(subscription);
  }
  broker.invalidateRoutes(session);
  session.subscriptions.clear();
}

export function expireSession(broker: Broker, session: Session): void {
  endSession(broker, session, "expired");
}

export function publishDueWill(broker: Broker, will: Will): void {
  const { session, deadline } = will;
  // Where it is due because its session ends, the session gets no copy of it.
  if (!will.isDetached && session.deadline.isSet && session.deadline.due <= deadline.due) {
    return expireSession(broker, session);
  }
  if (broker.rules.delayedWills === "byInterval" && postponeBehindOther(broker, will)) return;
  publishWill(broker, will, dueOf(will), "due");
}

/** What was due before this moment has come, though its turn had not: a return does not undo it. */
export function endOverdue(broker: Broker, session: Session): void {
  const will = session.will;
  if (will !== null && isOverdue(broker, will.deadline)) publishDueWill(broker, will);
  if (isOverdue(broker, session.deadline)) expireSession(broker, session);
}

/** Where the broker stood still meanwhile, the return may have come in time. */
function isOverdue(broker: Broker, { isSet, due }: Deadline<Timed>): boolean {
  return isSet && due <= broker.now && broker.standstills.stoodStillMs(due, broker.now) === 0;
}
