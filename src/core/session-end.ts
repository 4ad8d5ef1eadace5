import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { Deadline } from "./deadlines.ts";
import { unsubscribeAll } from "./departures.ts";
import type { SessionEnd } from "./events.ts";
import { startHandover } from "./handover.ts";
import { after } from "./io.ts";
import type { Session } from "./session.ts";
import { mayWait, waitsForReturn, waitsWithSession } from "./settling.ts";
import type { Timed } from "./timed.ts";
import type { Will } from "./will.ts";
import { dueOf, endDelay, postponeBehindOther, publishWill } from "./will-fate.ts";

/**
 * Ends a session with its connection, or starts its Session Expiry Interval [v4-4.1.0-1]
 * [v5-3.1.2-23] [v5-4.1.0-2].
 */
export function startExpiry(broker: Broker, session: Session): void {
  if (session.expiryIntervalSeconds === 0) {
    const { will } = session;
    session.isOver = will?.isPostponed === true;
    // A return of its client then finds the will that has to be published first.
    if (will !== null && session.isOver) broker.postponed.addLast(will);
    else endSession(broker, session, "connection ended");
    return;
  }
  broker.pressure.noteOffline(session);
  if (session.expiryIntervalSeconds === Infinity) return;
  const due = after(broker.now, session.expiryIntervalSeconds * 1000);
  session.deadline ??= new Deadline<Timed>({ kind: "session", session });
  broker.deadlines.set(session.deadline, due);
}

/**
 * Ends a session, never before its connection [v4-4.1.0-2] [v5-4.1.0-1]. Its delayed will is due
 * now [v5-3.1.2-8].
 */
export function endSession(broker: Broker, session: Session, why: SessionEnd): void {
  assert(session.connection === null, "a session ends after its connection");
  unsubscribeAll(broker, session);
  const will = session.will;
  if (will !== null) endDelay(broker, will, why);
  broker.deadlines.clear(session.deadline);
  broker.deadlines.clear(session.pump);
  startHandover(broker, session);
  session.release();
  broker.pressure.idle.delete(session);
  broker.sessions.delete(session.clientId);
  if (why === "expired") broker.statistics.sessionsExpired += 1;
  if (why !== "connection ended") {
    broker.note({ event: "sessionEnded", clientId: session.clientId, why });
  }
}

export function expireSession(broker: Broker, session: Session): void {
  endSession(broker, session, "expired");
}

export function publishDueWill(broker: Broker, will: Will): void {
  const { session, deadline } = will;
  if (will.isPostponed || session.isOver) {
    publishWill(broker, will, dueOf(will), "due");
    if (session.isOver) endSession(broker, session, "connection ended");
    else broker.pressure.noteOffline(session);
    return;
  }
  // If the session ends at the same time, end it first, so that it gets no copy of its will.
  const { deadline: expiry } = session;
  if (!will.isDetached && expiry?.isSet === true && expiry.due <= deadline.due) {
    return expireSession(broker, session);
  }
  if (broker.rules.delayedWills === "byInterval" && postponeBehindOther(broker, will)) return;
  publishWill(broker, will, dueOf(will), "due");
  if (will.isRestored) broker.pressure.noteOffline(session);
}

/**
 * Ends the first session that is over and waits for the publication of its will. False: there is
 * none, or it waits for clients to return after a restart.
 */
export function endOverSession(broker: Broker): boolean {
  const last = broker.postponed.firstLast;
  if (last === null || mayWait(broker, last)) return false;
  // In due order on each topic, but for one that waits for its client.
  for (const will of broker.postponed.on(last.topic)) {
    if (will === last) break;
    publishDueWill(broker, will);
  }
  publishDueWill(broker, last);
  return true;
}

/**
 * Handles a will or an expiry that was due before its client returned: the return comes too late.
 */
export function endOverdue(broker: Broker, session: Session): void {
  const will = session.will;
  if (will !== null && isOverdue(broker, will.deadline)) waitsForReturn(broker, will);
  if (will !== null && (will.isPostponed || isOverdue(broker, will.deadline))) {
    publishDueWill(broker, will);
  }
  if (!isOverdue(broker, session.deadline)) return;
  if (!waitsWithSession(broker, session)) expireSession(broker, session);
}

/** If the broker stood still in between, the client may have returned in time. */
function isOverdue({ now, standstills }: Broker, deadline: Deadline<Timed> | null): boolean {
  if (deadline === null || !deadline.isSet || deadline.due > now) return false;
  return standstills.stoodStillMs(deadline.due, now) === 0;
}
