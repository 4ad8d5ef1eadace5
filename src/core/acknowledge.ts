import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { hasWaiting, pump } from "./forward.ts";
import { noteProgress } from "./hold.ts";
import { failureFor, reasonOf } from "./failed-store.ts";
import type { Outgoing } from "./inflight.ts";
import type { AckPacket, PublishPacket } from "./packet.ts";
import { Reason, type ReasonCode } from "./reason.ts";
import type { Session } from "./session.ts";

/**
 * Answers a client's PUBLISH of QoS 1 or 2; nothing for QoS 0 [v4-3.3.4-1] [v4-4.3.2-2]
 * [v5-3.3.4-1] [v5-4.3.2-4] [v5-4.3.3-8].
 */
export function acknowledge(
  broker: Broker,
  connection: Connection,
  packet: PublishPacket,
  reason: ReasonCode,
): void {
  if (packet.qos === 0) return;
  const type = packet.qos === 1 ? "puback" : "pubrec";
  broker.send(connection, { type, packetId: packet.packetId, reason });
}

/** Handles PUBACK, PUBREC, PUBREL and PUBCOMP of QoS 1 and 2 (section 4.3). */
export function ackReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  type: AckPacket["type"],
  packetId: number,
  reason: number,
): void {
  switch (type) {
    case "puback":
    case "pubcomp":
      return finishReceived(broker, connection, session, type, packetId);
    case "pubrec":
      return pubrecReceived(broker, connection, session, packetId, reason);
    case "pubrel":
      return pubrelReceived(broker, connection, session, packetId);
  }
}

/** As `ackReceived` for each of several, one after the other, with success. */
export function acksReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  type: AckPacket["type"],
  packetIds: readonly number[],
): void {
  if (type === "puback" || type === "pubcomp") {
    // Else each may make room for a message that waits.
    if (!hasWaiting(session)) return finishAll(broker, connection, session, type, packetIds);
  } else if (connection.maximumPacketSize === Infinity && failureFor(broker, session) === null) {
    return answerAll(broker, connection, session, type, packetIds);
  }
  for (const packetId of packetIds) {
    ackReceived(broker, connection, session, type, packetId, Reason.success);
    // One of them may have violated the protocol.
    if (connection.session !== session) return;
  }
}

function finishAll(
  broker: Broker,
  connection: Connection,
  session: Session,
  type: "puback" | "pubcomp",
  packetIds: readonly number[],
): void {
  const { outgoing } = session;
  const before = outgoing.count;
  const handled = outgoing.finish(packetIds, type);
  const finished = before - outgoing.count;
  if (finished > 0) noteProgress(broker, session, finished);
  const next = packetIds[handled];
  if (next !== undefined) finishReceived(broker, connection, session, type, next);
}

function answerAll(
  broker: Broker,
  connection: Connection,
  session: Session,
  type: "pubrec" | "pubrel",
  packetIds: readonly number[],
): void {
  const by = type === "pubrec" ? "pubrel" : "pubcomp";
  let answered: number[] = [];
  for (const packetId of packetIds) {
    const isKnown =
      type === "pubrec"
        ? release(broker, session, packetId)
        : complete(connection, session, packetId);
    if (isKnown) {
      answered.push(packetId);
      continue;
    }
    sendAcks(broker, connection, by, answered);
    answered = [];
    ackReceived(broker, connection, session, type, packetId, Reason.success);
    if (connection.session !== session) return;
  }
  sendAcks(broker, connection, by, answered);
}

/** Sends acknowledgements with success to a client without Maximum Packet Size, which none exceeds. */
export function sendAcks(
  broker: Broker,
  { id: connection, version }: Connection,
  by: AckPacket["type"],
  packetIds: readonly number[],
): void {
  if (packetIds.length === 0) return;
  broker.statistics.packetsSent += packetIds.length;
  broker.effects.push({ type: "acknowledge", connection, version, by, packetIds });
}

/**
 * PUBACK completes QoS 1; PUBCOMP completes QoS 2 after PUBREL [v5-4.3.2-3] [v5-4.3.3-6]
 * [v5-4.4.0-2].
 */
function finishReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  type: "puback" | "pubcomp",
  packetId: number,
): void {
  const outgoing = session.outgoing.get(packetId);
  // It may answer a message of a session since replaced: ignore it.
  if (outgoing === null) return;
  if (outgoing.awaited !== type) {
    return endConnection(broker, connection, "protocolError", {
      statement: type === "puback" ? "v5-4.3.2" : "v5-4.3.3",
      detail: `${type.toUpperCase()}, but another acknowledgement is due`,
    });
  }
  removeOutgoing(broker, session, outgoing);
}

/** Acknowledged, possibly before the resend left. Makes room for the next in the window. */
function removeOutgoing(broker: Broker, session: Session, outgoing: Outgoing): void {
  noteProgress(broker, session);
  if (session.resends.size > 0) session.resends.delete(outgoing);
  session.outgoing.remove(outgoing);
  pump(broker, session);
}

/**
 * Goes on with PUBREL, which waits for PUBCOMP [v4-4.3.3-1] [v5-4.3.3-3] [v5-4.3.3-5]; after a
 * reason code of an error, not.
 */
function pubrecReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packetId: number,
  reason: number,
): void {
  const outgoing = session.outgoing.get(packetId);
  if (outgoing === null) {
    // No PUBREL follows an error, even for an unknown packet id [v5-4.3.3-4].
    if (reason >= 0x80) return;
    const notFound = Reason.packetIdentifierNotFound;
    return broker.send(connection, { type: "pubrel", packetId, reason: notFound });
  }
  if (outgoing.awaited === "puback") {
    return endConnection(broker, connection, "protocolError", {
      statement: "v5-4.3.2",
      detail: "PUBREC for a QoS 1 message",
    });
  }
  if (reason >= 0x80) {
    // The client refuses the message, which ends the exchange
    // [v5-4.3.3-4] [v5-4.4.0-2] [v5-4.8.2-6].
    return removeOutgoing(broker, session, outgoing);
  }
  release(broker, session, packetId);
  broker.send(connection, { type: "pubrel", packetId, reason: Reason.success });
}

/** PUBREC: its message waits for PUBCOMP. False: none waits for PUBREC under that packet id. */
function release(broker: Broker, session: Session, packetId: number): boolean {
  const outgoing = session.outgoing.get(packetId);
  if (outgoing === null || outgoing.awaited === "puback") return false;
  noteProgress(broker, session);
  session.outgoing.released(outgoing);
  if (session.resends.size > 0) session.resends.delete(outgoing);
  return true;
}

/**
 * Completes an incoming QoS 2 message; its packet id then means a new one [v4-4.3.3-2]
 * [v5-4.3.3-11] [v5-4.3.3-12].
 */
function pubrelReceived(
  broker: Broker,
  connection: Connection,
  session: Session,
  packetId: number,
): void {
  const failure = failureFor(broker, session);
  // Otherwise a store that still has the packet id would take a new message for this one.
  if (failure !== null) {
    const { detail } = failure;
    return endConnection(broker, connection, "storeFailed", { detail, reason: reasonOf(failure) });
  }
  const known = complete(connection, session, packetId);
  broker.send(connection, {
    type: "pubcomp",
    packetId,
    reason: known ? Reason.success : Reason.packetIdentifierNotFound,
  });
}

/** PUBREL. False: the packet id is unknown. */
function complete({ unfinished }: Connection, session: Session, packetId: number): boolean {
  unfinished?.delete(packetId);
  return session.finishIncoming(packetId);
}
