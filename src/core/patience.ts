import type { Broker } from "./broker.ts";
import { isUnread, type Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import type { EndCause } from "./end-causes.ts";
import { after, never, type Millis } from "./io.ts";

/** Connections; with more of them a planted quirk is late. */
const crowd = 50;

/**
 * Sets a connection's deadline to the first moment at which it may have to end, which may be past.
 * Called when that moment moves nearer. Ends nothing: the driver reads unread input first.
 */
export function setConnectionDeadline(broker: Broker, connection: Connection): void {
  const { due } = firstDue(broker, connection);
  if (due === never) broker.deadlines.clear(connection.deadline);
  else broker.deadlines.set(connection.deadline, due);
}

/**
 * Handles a popped deadline of a connection without unread input: ends the connection if it is due,
 * else sets the deadline again, because packets only write `lastPacketAt` and do not move it.
 */
export function endIfDue(broker: Broker, connection: Connection): void {
  if (connection.state === "closed") return endSuccessor(broker, connection);
  const { due, cause } = firstDue(broker, connection);
  if (due > broker.now) return setConnectionDeadline(broker, connection);
  const detail = detailOf(broker, connection, cause);
  endConnection(broker, connection, cause, detail === null ? {} : { detail });
}

function detailOf(
  { limits }: Broker,
  { preparing, state }: Connection,
  cause: EndCause,
): string | null {
  if (state === "authenticating") return "its credentials were not checked in time";
  if (cause === "stalled") return `nothing for ${limits.stallTimeoutMs / 1000} s`;
  if (cause === "connectTimeout" && preparing !== null) return `${preparing} not finished`;
  return null;
}

/** When a connection next has to end, and why. Infinity: no timeout runs. */
export interface FirstDue {
  readonly due: Millis;
  readonly cause: EndCause;
}

export function firstDue(broker: Broker, connection: Connection): FirstDue {
  const { limits } = broker;
  if (connection.state === "authenticating") {
    const due = after(connection.askedAt, limits.authenticationTimeoutMs);
    return { due, cause: "connectTimeout" };
  }
  if (connection.state !== "connected") {
    if (isUnread(connection)) return { due: never, cause: "connectTimeout" };
    return { due: after(connection.openedAt, limits.connectTimeoutMs), cause: "connectTimeout" };
  }
  const silent = keepAliveDue(broker, connection);
  const stalled = after(connection.waitingSince ?? never, limits.stallTimeoutMs);
  return stalled < silent
    ? { due: stalled, cause: "stalled" }
    : { due: silent, cause: "keepAliveExpired" };
}

/**
 * When silence ends the connection [v4-3.1.2-24] [v5-3.1.2-22]. Infinity: no keepalive, or the
 * driver has paused reading.
 */
function keepAliveDue(broker: Broker, connection: Connection): Millis {
  return connection.pausedAt === null ? silenceDue(broker, connection) : never;
}

/** When silence has lasted too long. Infinity: no keepalive. */
function silenceDue(broker: Broker, connection: Connection): Millis {
  const allowed = connection.allowedMs;
  if (allowed === null) return never;
  const { lateInCrowdMs, judgesWhileOutputWaits } = broker.rules;
  if (!judgesWhileOutputWaits && connection.waitingSince !== null) return never;
  const lateMs = broker.connections.size > crowd ? lateInCrowdMs : 0;
  const due = after(connection.silentSince ?? connection.lastPacketAt, allowed + lateMs);
  const sweep = broker.rules.keepAliveSweepMs;
  if (sweep === 0) return due;
  return after(broker.startedAt, Math.ceil((due - broker.startedAt) / sweep) * sweep);
}

/**
 * A planted quirk (A4): a packet that is read after the deadline is too late, whenever it came. Ends
 * the connection then. Without it the platform would decide: some turns read before timers run.
 */
export function endIfLate(broker: Broker, connection: Connection): boolean {
  if (connection.state !== "connected") return false;
  // A packet that its turn left for later is read while the link is paused.
  if (silenceDue(broker, connection) > (connection.pausedAt ?? broker.now)) return false;
  endConnection(broker, connection, "keepAliveExpired");
  return true;
}

/** A planted quirk: the deadline of a taken-over connection ends its successor. */
function endSuccessor(broker: Broker, connection: Connection): void {
  if (broker.rules.deadlineAfterTakeover === "cleared" || connection.clientId === null) return;
  const due = keepAliveDue(broker, connection);
  const successor = broker.sessions.get(connection.clientId)?.connection ?? null;
  if (successor === null || due === never) return;
  if (due <= broker.now) endConnection(broker, successor, "keepAliveExpired");
  else broker.deadlines.set(connection.deadline, due);
}
