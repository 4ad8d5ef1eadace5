import type { Broker } from "./broker.ts";
import { isUnread, type Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { Deadline } from "./deadlines.ts";
import { after, type ListenerPolicy } from "./io.ts";
import type { Timed } from "./timed.ts";

/** How often the log counts the connections that were reset to make room. */
const reportEveryMs = 1000;

/** Connections that have not sent CONNECT yet: the first to go when the places are taken. */
export class Crowd {
  /** In the order in which they opened. */
  readonly #waiting = new Set<Connection>();
  readonly report = new Deadline<Timed>({ kind: "crowd" });
  /** Reset since the last report. */
  reset = 0;

  add(connection: Connection): void {
    this.#waiting.add(connection);
  }

  /** Call when its CONNECT has arrived, or it ends. */
  remove(connection: Connection): void {
    this.#waiting.delete(connection);
  }

  /**
   * The one that has waited longest, of one listener or (null) of all; null: none waits. Not one whose
   * packets wait in the driver: CONNECT may be among them.
   */
  oldest(listener: string | null): Connection | null {
    for (const connection of this.#waiting) {
      if (isUnread(connection)) continue;
      if (listener === null || connection.listener.name === listener) return connection;
    }
    return null;
  }
}

/**
 * Makes room for one more connection on a listener whose places are taken: resets connections that
 * wait for their CONNECT, the oldest first. False: too few do.
 */
export function makeRoomAmongConnections(broker: Broker, listener: ListenerPolicy): boolean {
  const { crowd, deadlines, now, connections, limits } = broker;
  while (broker.isFull(listener)) {
    const oldest = crowd.oldest(connections.size >= limits.connections ? null : listener.name);
    if (oldest === null) return false;
    endConnection(broker, oldest, "crowdedOut");
    crowd.reset += 1;
    if (!crowd.report.isSet) deadlines.set(crowd.report, after(now, reportEveryMs));
  }
  return true;
}

export function reportCrowd(broker: Broker): void {
  broker.note({ event: "crowded", reset: broker.crowd.reset, withinMs: reportEveryMs });
  broker.crowd.reset = 0;
}
