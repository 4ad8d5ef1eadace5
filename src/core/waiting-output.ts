import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { pump } from "./forward.ts";
import { noteProgress } from "./hold.ts";
import { setConnectionDeadline } from "./patience.ts";

/** Output that waits in the driver until its client reads it. */

export function waiting(broker: Broker, connection: Connection): void {
  if (connection.waitingSince !== null) return;
  connection.waitingSince = broker.now;
  setConnectionDeadline(broker, connection);
}

export function blocked(broker: Broker, connection: Connection): void {
  if (connection.blocked) return;
  connection.blocked = true;
  broker.invalidateRoutes(connection.session);
  waiting(broker, connection);
}

export function progressed(broker: Broker, connection: Connection): void {
  if (connection.waitingSince !== null) connection.waitingSince = broker.now;
  if (connection.session !== null) noteProgress(broker, connection.session);
}

export function drained(broker: Broker, connection: Connection): void {
  connection.waitingSince = null;
  const { session } = connection;
  if (session !== null) noteProgress(broker, session);
  if (connection.blocked) {
    connection.blocked = false;
    broker.invalidateRoutes(session);
  } else if (session === null || !session.isBehind) {
    return;
  }
  if (session !== null) pump(broker, session);
}
