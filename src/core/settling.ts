import type { Broker } from "./broker.ts";
import { unsubscribeAll } from "./departures.ts";
import type { Millis } from "./io.ts";
import type { Session } from "./session.ts";
import type { Will } from "./will.ts";

/**
 * Wills of before a restart that are due while subscribers, or with a grace their clients, still
 * come back: they wait until `broker.settledAt`.
 */

/** Lets a restored will wait that is due. False: it need not, or did. */
export function waitsForReturn(broker: Broker, will: Will): boolean {
  if (!mayWait(broker, will)) return false;
  if (will.isPostponed || will.isGraced) {
    // It was told to before clients could connect, which then took a while.
    broker.deadlines.set(will.deadline, broker.settledAt);
    broker.records.willWaits(will, broker.settledAt);
  } else waitUntilSettled(broker, will, will.deadline.due);
  return true;
}

/** Lets the will of a restored session wait that is over, and the session with it. False: see above. */
export function waitsWithSession(broker: Broker, session: Session): boolean {
  const { will } = session;
  if (will === null || !mayWait(broker, will)) return false;
  waitsForReturn(broker, will);
  broker.deadlines.clear(session.deadline);
  awaitEnd(broker, session, will);
  return true;
}

/** A session that is over but for its will: its end follows the publication. */
export function awaitEnd(broker: Broker, session: Session, will: Will): void {
  unsubscribeAll(broker, session);
  broker.pressure.idle.delete(session);
  session.isOver = true;
  broker.postponed.addLast(will);
}

/** `due`: before now. */
export function waitUntilSettled(broker: Broker, will: Will, due: Millis): void {
  will.originalDue = due;
  if (broker.restartGraceMs > 0) will.isGraced = true;
  else {
    // Its client comes too late to cancel it.
    will.isPostponed = true;
    broker.postponed.add(will);
  }
  broker.deadlines.set(will.deadline, broker.settledAt);
  broker.records.willWaits(will, broker.settledAt);
}

/**
 * Whether the return of its client cancels a will that it would bring about otherwise: one that was due
 * before, or whose session ends by Clean Start.
 */
export function isGraced(broker: Broker, will: Will, cleanStart: boolean): boolean {
  if (will.isGraced || !cleanStart) return will.isGraced;
  return broker.restartGraceMs > 0 && mayWait(broker, will);
}

/** Whether a will waits, or will once it is due, since subscribers or its client may come back. */
export function mayWait(broker: Broker, will: Will): boolean {
  return will.isRestored && !isSettled(broker);
}

/** Whether clients had time to return after the restart. */
export function isSettled({ now, settledAt }: Broker): boolean {
  return now >= settledAt;
}
