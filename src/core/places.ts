import { fault } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import type { Input, ListenerPolicy } from "./io.ts";
import { setConnectionDeadline } from "./patience.ts";

/** The places for connections: of all listeners together, and of each. */

/** Whether the limits refuse one more connection on a listener. */
export function isFull(
  { connections, connectionsByListener, limits }: Broker,
  listener: ListenerPolicy,
): boolean {
  const onListener = connectionsByListener.get(listener.name) ?? 0;
  return connections.size >= limits.connections || onListener >= listener.connections;
}

/** A connection was opened: takes a place for it, or refuses it. */
export function connectionOpened(broker: Broker, input: Input & { type: "opened" }): void {
  const { connection: id, remote, isLocal, listener, token } = input;
  if (broker.connections.has(id)) fault(`connection ${id} is open already`);
  const isRefused = isFull(broker, listener) && (broker.stopping || !makeRoom(broker, listener));
  const { announced, now } = broker;
  const { holds = null } = input;
  const connection = new Connection(id, remote, isLocal, listener, token, announced, holds, now);
  const onListener = broker.connectionsByListener.get(listener.name) ?? 0;
  broker.connections.set(id, connection);
  broker.memory.connections.take(connection.ownBytes);
  broker.connectionsByListener.set(listener.name, onListener + 1);
  broker.statistics.socketsOpened += 1;
  if (broker.stopping) return endConnection(broker, connection, "shuttingDown");
  if (isRefused) {
    const key =
      listener.connections < broker.limits.connections
        ? "connections of the listener"
        : "limits.connections";
    const limit = Math.min(broker.limits.connections, listener.connections);
    return endConnection(broker, connection, "quotaExceeded", {
      detail: `the limit of ${limit} connections is reached (${key})`,
      reset: true,
    });
  }
  broker.crowd.add(connection);
  setConnectionDeadline(broker, connection);
}

/**
 * Makes room for one more connection on a listener whose places are taken: resets connections that
 * wait for their CONNECT, the oldest first. False: too few do.
 */
function makeRoom(broker: Broker, listener: ListenerPolicy): boolean {
  const { crowd, deadlines, now, connections, limits } = broker;
  while (isFull(broker, listener)) {
    const oldest = crowd.oldest(connections.size >= limits.connections ? null : listener.name);
    if (oldest === null) return false;
    endConnection(broker, oldest, "crowdedOut");
    crowd.reset += 1;
    crowd.expectReport(deadlines, now);
  }
  return true;
}
