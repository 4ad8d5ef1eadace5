import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import type { WillAtEnd } from "./events.ts";
import { dueOf, publishWill } from "./will-fate.ts";

/**
 * Stops the broker. Without a store nothing outlives it, so publishes every armed or delayed will
 * now, while its subscribers are connected; then disconnects all clients.
 */
export function stopAll(broker: Broker): void {
  broker.stopping = true;
  const delayed = [...broker.sessions.values()]
    .flatMap((session) => (session.will?.state === "delayed" ? [session.will] : []))
    .toSorted((a, b) => a.deadline.due - b.deadline.due || a.deadline.seq - b.deadline.seq);
  for (const will of delayed) {
    publishWill(broker, will, will.isPostponed ? dueOf(will) : broker.now, "broker stopped");
  }
  const wills = new Map<Connection, WillAtEnd>();
  for (const connection of broker.connections.values()) {
    const will = connection.session?.will ?? null;
    if (will === null) continue;
    will.ended = { cause: "shuttingDown", at: broker.now };
    wills.set(connection, publishWill(broker, will, broker.now));
  }
  for (const connection of [...broker.connections.values()]) {
    endConnection(broker, connection, "shuttingDown", { will: wills.get(connection) ?? null });
  }
}
