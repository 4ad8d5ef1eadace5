import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { unsubscribeAll } from "./departures.ts";
import { ends, type EndCause } from "./end-causes.ts";
import type { WillAtEnd } from "./events.ts";
import { releaseAll, stopHolding } from "./hold.ts";
import { after, type Millis } from "./io.ts";
import type { ReasonCode } from "./reason.ts";
import type { Session } from "./session.ts";
import { startExpiry } from "./session-end.ts";
import { forgetCut } from "./subscribe.ts";
import { publishFate } from "./sys.ts";
import { endWill } from "./will-fate.ts";

/** Work of ending a connection, its record and its log line. */
export const unitsOfEnd = 25;

interface EndDetails {
  readonly detail?: string;
  readonly statement?: string;
  /** What in the access list refused it; the client is not told. */
  readonly by?: string;
  /** Overrides the cause's reason code. */
  readonly reason?: ReasonCode;
  /** The socket is closed already, so nothing can be sent. */
  readonly closed?: boolean;
  /** There is no place for it, not even until its client has closed it. */
  readonly reset?: boolean;
  /** Its CONNACK, which came with this, refused it: no DISCONNECT follows. */
  readonly isRefused?: boolean;
  /** Taken over by a connection that resumes the session. */
  readonly resumed?: boolean;
  /** The will's fate, if decided before (at a shutdown). */
  readonly will?: WillAtEnd | null;
}

/**
 * The one way out: every connection ends here, with one cause that decides the fate of its will.
 */
export function endConnection(
  broker: Broker,
  connection: Connection,
  cause: EndCause,
  details: EndDetails = {},
): void {
  broker.budget.spent += unitsOfEnd;
  const { session } = connection;
  const armed = session?.will ?? null;
  const endDue = endDueOf(broker, connection, cause);
  connection.become("closed");
  removeConnection(broker, connection, cause);
  if (details.closed !== true) close(broker, connection, cause, details);
  stopHolding(broker, connection);
  const will = session && leaveSession(broker, connection, session, cause, endDue, details);
  const { detail: told = null, statement = null, by } = details;
  const detail = by === undefined ? told : `${told ?? ""}: ${by}`;
  const isUntold = broker.crowd.isOneOfMany(cause, broker.deadlines, broker.now);
  broker.records.ended(connection, session, { cause, detail, statement, isUntold, armed, will });
  if (armed !== null && will !== null && will.fate !== "delayed") publishFate(broker, armed, will);
  if (session !== null) startExpiry(broker, session);
}

/**
 * When the connection had to end, from which its will's due time counts. Earlier than now if its
 * keepalive expired while the broker stood still.
 */
function endDueOf(broker: Broker, connection: Connection, cause: EndCause): Millis {
  const { now, standstills } = broker;
  const { allowedMs } = connection;
  if (cause !== "keepAliveExpired" || allowedMs === null) return now;
  if (standstills.duringSilenceOf(connection, now).stoodStillMs === 0) return now;
  return after(now, -Math.max(0, connection.silentMs(now) - allowedMs));
}

/** Detaches the connection from its session. Returns its will's fate or delay; null: no will. */
function leaveSession(
  broker: Broker,
  connection: Connection,
  session: Session,
  cause: EndCause,
  endDue: Millis,
  details: EndDetails,
): WillAtEnd | null {
  session.leave(cause, broker.now);
  connection.session = null;
  session.outgoing.shrink();
  releaseAll(broker, session);
  broker.statistics.connected -= 1;
  broker.invalidateRoutes(session);
  broker.deadlines.clear(session.pump);
  const resumed = details.resumed === true;
  const sessionContinues = session.expiryIntervalSeconds > 0 && (cause !== "takenOver" || resumed);
  if (!sessionContinues) unsubscribeAll(broker, session);
  return details.will ?? endWill(broker, session, cause, sessionContinues, endDue);
}

function removeConnection(broker: Broker, connection: Connection, cause: EndCause): void {
  const { name } = connection.listener;
  const onListener = broker.connectionsByListener.get(name) ?? 0;
  assert(onListener > 0, "a connection that ends was counted on its listener");
  if (onListener === 1) broker.connectionsByListener.delete(name);
  else broker.connectionsByListener.set(name, onListener - 1);
  broker.connections.delete(connection.id);
  broker.crowd.remove(connection);
  broker.memory.connections.give(connection.ownBytes);
  broker.memory.aliases.give(connection.aliasBytes);
  if (connection.cut !== null) forgetCut(broker, connection);
  const clears = broker.rules.deadlineAfterTakeover === "cleared" || cause !== "takenOver";
  if (clears) broker.deadlines.clear(connection.deadline);
}

/**
 * Closes [v4-4.8.0-1] [v5-4.13.1-1] [v5-4.13.2-1]. A v5 client gets DISCONNECT as the last packet
 * [v5-3.14.4-1] [v5-3.14.4-2], unless it never got a CONNACK that accepts [v5-3.14.0-1].
 */
function close(broker: Broker, connection: Connection, cause: EndCause, details: EndDetails): void {
  const reason = details.reason ?? ends[cause].disconnectReason;
  const isConnected = connection.session !== null && details.isRefused !== true;
  if (isConnected && connection.version === 5 && reason !== null) {
    broker.send(connection, {
      type: "disconnect",
      reason,
      reasonString: details.detail ?? null,
    });
  }
  broker.effects.push({
    type: "close",
    connection: connection.id,
    how: cause === "stalled" || cause === "crowdedOut" || details.reset === true ? "reset" : "end",
  });
}
