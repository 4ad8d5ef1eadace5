import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import type { WillAtEnd } from "./events.ts";
import { mayWait } from "./settling.ts";
import { type Will, willDelay } from "./will.ts";
import { dueOf, publishWill } from "./will-fate.ts";

/**
 * Stops the broker: publishes wills while their subscribers are connected, then disconnects all
 * clients. Without a store nothing outlives it, so every armed or delayed will is published now. With
 * one, those that have a delay keep it, and only those that are due are published: without those of
 * before a restart whose subscribers still come back, which wait for the next start.
 */
export function stopAll(broker: Broker): void {
  broker.stopping = true;
  const outlives = broker.journal !== null;
  const delayed = [...broker.sessions.values()]
    .flatMap((session) => (session.will?.state === "delayed" ? [session.will] : []))
    .toSorted((a, b) => a.deadline.due - b.deadline.due || a.deadline.seq - b.deadline.seq);
  for (const will of delayed) {
    if (outlives && (!will.isPostponed || mayWait(broker, will))) continue;
    publishWill(broker, will, will.isPostponed ? dueOf(will) : broker.now, "broker stopped");
  }
  const wills = new Map<Connection, WillAtEnd>();
  for (const connection of broker.connections.values()) {
    const will = connection.session?.will ?? null;
    if (will === null || (outlives && isDelayed(will))) continue;
    will.ended = { cause: "shuttingDown", at: broker.now };
    wills.set(connection, publishWill(broker, will, broker.now));
  }
  for (const connection of [...broker.connections.values()]) {
    const will = wills.get(connection);
    endConnection(broker, connection, "shuttingDown", will === undefined ? {} : { will });
  }
  if (outlives)
    for (const { will } of broker.sessions.values()) if (will !== null) leave(broker, will);
}

/**
 * A will that is kept waits for the next start, however long the rest of the stop takes; its session,
 * whose end would publish it, does too.
 */
function leave({ deadlines }: Broker, will: Will): void {
  will.originalDue = will.dueAt;
  deadlines.clear(will.deadline);
  deadlines.clear(will.session.deadline);
}

/** Whether an armed will has time until it is due. */
function isDelayed({ packet, session }: Will): boolean {
  return willDelay(packet, session.expiryIntervalSeconds) > 0;
}
