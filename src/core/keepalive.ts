import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./ending.ts";
import type { EndCause } from "./ends.ts";
import type { Millis } from "./io.ts";

/**
 * Ends a connection whose time is up, else sets its deadline to the next moment at which it could be.
 * Called when the deadline pops, and when something brings it nearer; a packet only writes
 * `lastPacketAt`, so that a deadline often pops early and is set again here.
 */
export function watchKeepAlive(broker: Broker, connection: Connection): void {
  if (connection.state === "closed") return;
  const { due, cause } = firstDue(broker, connection);
  if (due <= broker.now) return endConnection(broker, connection, cause);
  if (due === Infinity) broker.deadlines.clear(connection.deadline);
  else broker.deadlines.set(connection.deadline, due as Millis);
}

/** The next moment at which the connection has to end, and why. Infinity: nothing waits for it. */
export function firstDue(
  broker: Broker,
  connection: Connection,
): { readonly due: number; readonly cause: EndCause } {
  const { limits } = broker;
  if (connection.state !== "connected") {
    return { due: connection.openedAt + limits.connectTimeoutMs, cause: "connectTimeout" };
  }
  const silent = keepAliveDue(connection);
  const stalled = (connection.waitingSince ?? Infinity) + limits.stallTimeoutMs;
  return stalled < silent
    ? { due: stalled, cause: "stalled" }
    : { due: silent, cause: "keepAliveExpired" };
}

/** Infinity: no keepalive, or the driver does not read at the moment. */
function keepAliveDue(connection: Connection): number {
  const allowed = connection.allowedMs;
  if (allowed === null || connection.pausedAt !== null) return Infinity;
  return connection.lastPacketAt + allowed;
}
