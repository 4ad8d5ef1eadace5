import type { Broker } from "./broker.ts";
import { Deadline } from "./deadlines.ts";
import type { Session } from "./session.ts";
import type { Timed } from "./timed.ts";

/** Work of taking one subscription out of the tree. */
const unitsOfRemoval = 1.5;

/**
 * Sessions that get nothing more, and whose subscriptions are still in the tree: a session may have
 * thousands. A match skips them.
 */
export class Departures {
  readonly sessions = new Set<Session>();
  readonly deadline = new Deadline<Timed>({ kind: "departures" });
}

/**
 * Ends all subscriptions of a session: it gets nothing more, not even its own will. What the budget
 * leaves of them is taken out of the tree later.
 */
export function unsubscribeAll(broker: Broker, session: Session): void {
  if (session.subscriptions.size === 0) return;
  broker.invalidateRoutes(session);
  broker.subscriptions.leave(session);
  session.subscriptionBytes = 0;
  broker.departures.sessions.add(session);
  if (!broker.departures.deadline.isSet) goOnUnsubscribing(broker);
}

/** Takes subscriptions of departed sessions out of the tree within the budget, and at least one. */
export function goOnUnsubscribing(broker: Broker): void {
  const { budget, departures, deadlines, now, subscriptions } = broker;
  for (const session of departures.sessions) {
    for (const [filter, subscription] of session.subscriptions) {
      subscriptions.remove(subscription);
      session.removeSubscription(filter);
      budget.spent += unitsOfRemoval;
      if (budget.isUsedUp) break;
    }
    if (session.subscriptions.size === 0) departures.sessions.delete(session);
    if (!budget.isUsedUp) continue;
    if (departures.sessions.size > 0) deadlines.set(departures.deadline, now);
    return;
  }
}
