import { assert } from "./assert.ts";
import type { Broker } from "./broker.ts";
import { seconds } from "./connack.ts";
import type { Connection } from "./connection.ts";
import type { Deadline } from "./deadlines.ts";
import { ends, type EndCause } from "./ends.ts";
import type { SessionEnd, WillAtEnd } from "./events.ts";
import { dueOf, endDelay, endWill, isHeldUp, publishWill, tellDelayed } from "./fate.ts";
import { endedWithWill } from "./records/habits.ts";
import { excerpt } from "./records/excerpt.ts";
import { leaveToOthers } from "./handover.ts";
import { releaseAll, stopHolding } from "./hold.ts";
import type { Millis } from "./io.ts";
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
  const session = connection.session;
  const detail = details.detail ?? droppedDetail(connection) ?? unansweredDetail(broker, cause);
  const sessionExpiry = session?.expiryInterval ?? 0;
  const silentMs = connection.silentMs(broker.now);
  const ending = session?.will ?? null;
  // A packet that was read late, or not yet, may be why.
  const { stoodStillMs, lastPacketWaitedMs } = broker.standstills.of(connection, broker.now);
  // Only where it ends for silence it matters when that began.
  const isReadLate = cause === "keepAliveExpired" && lastPacketWaitedMs > 0;
  const own = {
    ...(stoodStillMs > 0 && { stoodStillMs }),
    ...(isReadLate && { lastPacketWaitedMs }),
  };
  const silenceDue =
    cause === "keepAliveExpired" && stoodStillMs > 0 && connection.allowedMs !== null
      ? ((broker.now - Math.max(0, silentMs - connection.allowedMs)) as Millis)
      : broker.now;
  connection.become("closed");
  forget(broker, connection, cause);
  if (details.closed !== true) close(broker, connection, cause, details, session !== null);
  let will: WillAtEnd | null = null;
  stopHolding(broker, connection);
  connection.holding = null;
  if (session !== null) {
    session.connection = null;
    connection.session = null;
    releaseAll(broker, session);
    broker.statistics.connected -= 1;
    broker.rerouted(session);
    broker.deadlines.clear(session.pump);
    const resumed = details.resumed === true;
    const goesOn = session.expiryInterval > 0 && (cause !== "takenOver" || resumed);
    if (!goesOn) unsubscribeAll(broker, session);
    will = details.will ?? endWill(broker, session, cause, goesOn, silenceDue);
  }
  const statement = details.statement ?? null;
  const facts = { detail, statement, silentMs, ...own, will, wasConnected: session !== null };
  broker.note({
    event: "ended",
    peer: connection.peer,
    cause,
    ...facts,
    allowedMs: connection.allowedMs,
    refusedWill: connection.record?.refusedWill ?? null,
  });
  remember(broker, connection, cause, { ...facts, sessionExpiry });
  if (ending !== null && will !== null) {
    if (will.fate !== "delayed") tellFate(broker, ending, will);
    const connectedForMs = broker.now - (connection.record?.connectedAt ?? broker.now);
    endedWithWill(broker, connection.peer, ending, will, connectedForMs);
  }
  if (session !== null) outlive(broker, session);
}

/** Closes its page in the history of its client id, and counts the end. */
function remember(
  broker: Broker,
  connection: Connection,
  cause: EndCause,
  facts: {
    readonly detail: string | null;
    readonly statement: string | null;
    readonly silentMs: number;
    readonly stoodStillMs?: number;
    readonly lastPacketWaitedMs?: number;
    readonly sessionExpiry: number;
    readonly will: WillAtEnd | null;
    readonly wasConnected: boolean;
  },
): void {
  const { clientId, remote, record, allowedMs } = connection;
  const { detail, statement, silentMs, sessionExpiry, will, wasConnected, ...own } = facts;
  const causeText = ends[cause].text;
  broker.statistics.ends[cause] += 1;
  if (cause === "keepAliveExpired" && allowedMs !== null) {
    broker.statistics.keepAliveLateness.add(silentMs - allowedMs);
  }
  broker.histories.ended({
    at: broker.now,
    clientId,
    remote,
    cause,
    causeText,
    detail,
    will: will === null ? "no will" : will.fate,
  });
  if (record === null) return;
  const sessionExpirySeconds = sessionExpiry === Infinity ? null : sessionExpiry;
  const why = { at: broker.now, cause, causeText, detail };
  const end = excerpt({ ...why, silentMs, ...own, allowedMs, sessionExpirySeconds });
  record.end = { ...end, statement };
  record.stoodStillInAllMs = broker.standstills.of(connection, broker.now).stoodStillInAllMs;
  if (record.will !== null) record.will.end = end;
  if (wasConnected && clientId !== null) broker.histories.gone(clientId);
}

/** A client that gets no PINGRESP closes its connection by itself. */
function unansweredDetail({ standstills, now }: Broker, cause: EndCause): string | null {
  if (cause !== "closedByPeer" && cause !== "resetByPeer") return null;
  const lastedMs = standstills.justOver(now);
  if (lastedMs === 0) return null;
  return `while the broker itself stood still for ${(lastedMs / 1000).toFixed(1)} s and answered nothing`;
}

/** What an operator did to a connection tells more of its end than the cause. */
function droppedDetail({ dropped }: Connection): string | null {
  if (dropped === null) return null;
  return dropped.how === "rst"
    ? "by the operator's order"
    : "the operator had made its link silent";
}

function forget(broker: Broker, connection: Connection, cause: EndCause): void {
  const { name } = connection.listener;
  const onListener = broker.connectionsByListener.get(name) ?? 0;
  assert(onListener > 0, "a connection that ends was counted on its listener");
  if (onListener === 1) broker.connectionsByListener.delete(name);
  else broker.connectionsByListener.set(name, onListener - 1);
  broker.connections.delete(connection.id);
  // Its record is remembered, and what only a live connection needs is not.
  connection.aliasesIn = null;
  connection.aliasesOut = null;
  connection.unfinished = null;
  const clears = broker.rules.deadlineAfterTakeover === "cleared" || cause !== "takenOver";
  if (clears) broker.deadlines.clear(connection.deadline);
}

function close(
  broker: Broker,
  connection: Connection,
  cause: EndCause,
  details: EndDetails,
  wasConnected: boolean,
): void {
  const tells = details.reason ?? ends[cause].tells;
  if (wasConnected && connection.version === 5 && tells !== null) {
    broker.send(connection, {
      type: "disconnect",
      reason: tells,
      reasonString: details.detail ?? null,
    });
  }
  broker.effects.push({
    type: "close",
    connection: connection.id,
    cause,
    how: cause === "stalled" ? "reset" : "end",
  });
}

/** A session whose connection has ended: ends too, or waits for its Session Expiry Interval. */
function outlive(broker: Broker, session: Session): void {
  if (session.expiryInterval === 0) return endSession(broker, session, "connection ended");
  session.endedAt = broker.now;
  if (session.expiryInterval === Infinity) return;
  const due = (broker.now + session.expiryInterval * 1000) as Millis;
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
  tellDelayed(broker, will, publishWill(broker, will, dueOf(will), "due"), "due");
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
  for (const will of delayed) {
    tellDelayed(
      broker,
      will,
      publishWill(broker, will, broker.now, "broker stopped"),
      "broker stopped",
    );
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
