import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { seconds } from "./connack.ts";
import type { Connection } from "./connection.ts";
import type { Deadline } from "./deadlines.ts";
import { ends, type EndCause } from "./ends.ts";
import type { SessionEnd, WillAtEnd } from "./events.ts";
import { dueOf, endDelay, endWill, isHeldUp, publishWill } from "./fate.ts";
import { leaveToOthers } from "./handover.ts";
import { releaseAll, stopHolding } from "./hold.ts";
import { after, type Millis } from "./io.ts";
import type { DisconnectPacket } from "./packet.ts";
import { Reason, reasonText, type ProtocolError, type ReasonCode } from "./reason.ts";
import type { Session } from "./session.ts";
import type { Timed } from "./timed.ts";
import { tellFate } from "./sys.ts";
import type { Will } from "./will.ts";

interface EndDetails {
  readonly detail?: string;
  readonly statement?: string;
  /** Overrides the reason code that the cause stands for. */
  readonly reason?: ReasonCode;
  /** The socket is closed already: nothing can be sent. */
  readonly closed?: boolean;
  /** Taken over by a connection that goes on with the session. */
  readonly resumed?: boolean;
  /** What became of the will was decided before (at a shutdown). */
  readonly will?: WillAtEnd | null;
}

/** The one way out: every connection ends here, with one cause, and its will meets its fate. */
export function endConnection(
  broker: Broker,
  connection: Connection,
  cause: EndCause,
  details: EndDetails = {},
): void {
  const { session } = connection;
  const armed = session?.will ?? null;
  const silenceDue = silenceDueOf(broker, connection, cause);
  connection.become("closed");
  forget(broker, connection, cause);
  if (details.closed !== true) close(broker, connection, cause, details);
  stopHolding(broker, connection);
  const will = session && detach(broker, connection, session, cause, silenceDue, details);
  const { detail = null, statement = null } = details;
  broker.records.ended(connection, session, { cause, detail, statement, armed, will });
  if (armed !== null && will !== null && will.fate !== "delayed") tellFate(broker, armed, will);
  if (session !== null) outlive(broker, session);
}

/**
 * When the connection had to end, which the will's due time follows: for silence, that can be earlier than
 * now where the broker itself stood still.
 */
function silenceDueOf(broker: Broker, connection: Connection, cause: EndCause): Millis {
  const { now, standstills } = broker;
  const { allowedMs } = connection;
  if (cause !== "keepAliveExpired" || allowedMs === null) return now;
  if (standstills.of(connection, now).stoodStillMs === 0) return now;
  return after(now, -Math.max(0, connection.silentMs(now) - allowedMs));
}

/** The connection leaves its session. Returns what becomes of the will; null: there is none. */
function detach(
  broker: Broker,
  connection: Connection,
  session: Session,
  cause: EndCause,
  silenceDue: Millis,
  details: EndDetails,
): WillAtEnd | null {
  session.connection = null;
  connection.session = null;
  releaseAll(broker, session);
  broker.statistics.connected -= 1;
  broker.rerouted(session);
  broker.deadlines.clear(session.pump);
  const resumed = details.resumed === true;
  const goesOn = session.expiryInterval > 0 && (cause !== "takenOver" || resumed);
  if (!goesOn) unsubscribeAll(broker, session);
  return details.will ?? endWill(broker, session, cause, goesOn, silenceDue);
}

function forget(broker: Broker, connection: Connection, cause: EndCause): void {
  const { name } = connection.listener;
  const onListener = broker.connectionsByListener.get(name) ?? 0;
  assert(onListener > 0, "a connection that ends was counted on its listener");
  if (onListener === 1) broker.connectionsByListener.delete(name);
  else broker.connectionsByListener.set(name, onListener - 1);
  broker.connections.delete(connection.id);
  const clears = broker.rules.deadlineAfterTakeover === "cleared" || cause !== "takenOver";
  if (clears) broker.deadlines.clear(connection.deadline);
}

function close(broker: Broker, connection: Connection, cause: EndCause, details: EndDetails): void {
  const tells = details.reason ?? ends[cause].tells;
  if (connection.session !== null && connection.version === 5 && tells !== null) {
    broker.send(connection, {
      type: "disconnect",
      reason: tells,
      reasonString: details.detail ?? null,
    });
  }
  broker.effects.push({
    type: "close",
    connection: connection.id,
    how: cause === "stalled" ? "reset" : "end",
  });
}

/** A session whose connection has ended: ends too, or waits for its Session Expiry Interval. */
function outlive(broker: Broker, session: Session): void {
  if (session.expiryInterval === 0) return endSession(broker, session, "connection ended");
  session.endedAt = broker.now;
  if (session.expiryInterval === Infinity) return;
  const due = after(broker.now, session.expiryInterval * 1000);
  broker.deadlines.set(session.deadline, due);
}

/** Ends a session for good. A will that still waits is due now [v5-3.1.2-8]. */
export function endSession(broker: Broker, session: Session, why: SessionEnd): void {
  assert(session.connection === null, "a session ends after its connection");
  unsubscribeAll(broker, session);
  const will = session.will;
  if (will !== null) endDelay(broker, will, why);
  broker.deadlines.clear(session.deadline);
  broker.deadlines.clear(session.pump);
  leaveToOthers(broker, session);
  session.queue.clear();
  broker.sessions.delete(session.clientId);
  if (why === "expired") broker.statistics.sessionsExpired += 1;
  if (why !== "connection ended") {
    broker.note({ event: "sessionEnded", clientId: session.clientId, why });
  }
}

/** A session that ends gets nothing more: its own will goes to those who stay. */
function unsubscribeAll(broker: Broker, session: Session): void {
  for (const subscription of session.subscriptions.values()) {
    broker.subscriptions.remove(subscription);
  }
  broker.rerouted(session);
  session.subscriptions.clear();
}

export function expireSession(broker: Broker, session: Session): void {
  endSession(broker, session, "expired");
}

export function publishDueWill(broker: Broker, will: Will): void {
  const { session, deadline } = will;
  // Where it is due because its session ends, the session gets no copy of it.
  if (!will.isStray && session.deadline.isSet && session.deadline.due <= deadline.due) {
    return expireSession(broker, session);
  }
  if (broker.rules.delayedWills === "byInterval" && isHeldUp(broker, will)) return;
  publishWill(broker, will, dueOf(will), "due");
}

/** What was due before this moment has come, though its turn had not: a return does not undo it. */
export function settleOverdue(broker: Broker, session: Session): void {
  const will = session.will;
  if (will !== null && isOverdue(broker, will.deadline)) publishDueWill(broker, will);
  if (isOverdue(broker, session.deadline)) expireSession(broker, session);
}

/** Where the broker stood still meanwhile, the return may have come in time. */
function isOverdue(broker: Broker, { isSet, due }: Deadline<Timed>): boolean {
  return isSet && due <= broker.now && broker.standstills.between(due, broker.now) === 0;
}

export function disconnectReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: DisconnectPacket,
): void {
  const asked = packet.sessionExpiryInterval;
  if (asked !== null) {
    // The CONNECT's own value counts here, not the one that CONNACK put in its place.
    if (connection.sessionExpiryAsked === 0 && asked !== 0) {
      return endConnection(broker, connection, "protocolError", {
        statement: "v5-3.14.2.2.2",
        detail: "DISCONNECT raises a Session Expiry Interval of 0",
      });
    }
    session.expiryInterval = Math.min(seconds(asked), broker.limits.sessionExpiryMax);
  }
  if (packet.reason === Reason.normalDisconnection) {
    return endConnection(broker, connection, "disconnected");
  }
  const { reason, reasonString: words } = packet;
  if (reason === Reason.disconnectWithWill) {
    const details = words === null ? {} : { detail: words };
    return endConnection(broker, connection, "disconnectedWithWill", details);
  }
  const error = reasonText(reason);
  endConnection(broker, connection, "disconnectedWithError", {
    detail: words === null ? error : `${error}: ${words}`,
  });
}

/** The cause that a broken rule stands for, by the reason code that the standard gives it. */
export function causeOf(error: ProtocolError): EndCause {
  switch (error.reason) {
    case Reason.malformedPacket:
      return "malformedPacket";
    case Reason.packetTooLarge:
      return "packetTooLarge";
    case Reason.receiveMaximumExceeded:
    case Reason.quotaExceeded:
    case Reason.messageRateTooHigh:
      return "quotaExceeded";
    default:
      return "protocolError";
  }
}

/**
 * The broker stops. Nothing outlives it without a store, so every will that is still to come is
 * published now, while its subscribers are connected; then everybody is sent away.
 */
export function stopAll(broker: Broker): void {
  broker.stopping = true;
  const delayed = [...broker.sessions.values()]
    .flatMap((session) => (session.will?.state === "delayed" ? [session.will] : []))
    .toSorted((a, b) => a.deadline.due - b.deadline.due || a.deadline.seq - b.deadline.seq);
  for (const will of delayed) publishWill(broker, will, broker.now, "broker stopped");
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
