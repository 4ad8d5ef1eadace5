import { mayWrite } from "./access-lists.ts";
import type { Broker } from "./broker.ts";
import { connackFor, keepAliveSecondsInForce, sessionExpirySecondsInForce } from "./connack.ts";
import type { Connection } from "./connection.ts";
import { endConnection } from "./connection-end.ts";
import { after } from "./io.ts";
import { cancelDelayedWill } from "./will-fate.ts";
import { failureFor } from "./failed-store.ts";
import { pump, startResends } from "./forward.ts";
import { setConnectionDeadline } from "./patience.ts";
import { allowedSilenceMs } from "./quirks/rules.ts";
import type { ConnectPacket } from "./packet.ts";
import { isIgnored } from "./will-rules.ts";
import type { ProtocolError } from "./reason.ts";
import {
  refusalByPacket,
  refusalByRoom,
  refusalByState,
  refusalByStore,
  refuse,
} from "./refusal.ts";
import { Session } from "./session.ts";
import { endSession, endOverdue } from "./session-end.ts";
import { isGraced } from "./settling.ts";
import { Will } from "./will.ts";

/** Work of accepting a CONNECT, its record and its log line. */
const unitsOfConnect = 25;

export function connectReceived(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
): void {
  if (connection.state !== "opened") {
    // [v4-3.1.0-2] [v5-3.1.0-2]
    return endConnection(broker, connection, "protocolError", {
      statement: `v${connection.version === 5 ? 5 : 4}-3.1.0-2`,
      detail: "second CONNECT",
    });
  }
  broker.crowd.remove(connection);
  connection.version = packet.version;
  connection.bridge = packet.bridge;
  if (packet.version !== 5) connection.announced = broker.limits;
  connection.maximumPacketSize = packet.maximumPacketSize ?? Infinity;
  const refusal = refusalByPacket(packet);
  if (packet.clientId !== "") connection.clientId = packet.clientId;
  if (refusal !== null) return refuse(broker, connection, refusal, packet);
  // An empty client id gets a unique one [v4-3.1.3-6] [v5-3.1.3-6] [v5-3.1.3-7].
  connection.clientId ??= connection.token;
  connection.connect = packet;
  broker.memory.connections.take(connection.waitingBytes);
  connection.become("authenticating");
  connection.askedAt = broker.now;
  // It does not run while a CONNECT waits in the driver.
  if (!connection.deadline.isSet) setConnectionDeadline(broker, connection);
  broker.effects.push({
    type: "authenticate",
    connection: connection.id,
    clientId: connection.clientId,
    username: packet.username,
    password: packet.password,
    listener: connection.listener,
    remote: connection.remote,
    isLocal: connection.isLocal,
    until: after(broker.now, broker.limits.authenticationTimeoutMs),
  });
}

export function authenticated(
  broker: Broker,
  connection: Connection,
  refused: ProtocolError | null,
): void {
  const packet = connection.connect;
  const clientId = connection.clientId;
  // After the connect timeout, a late verdict can name another connection's number.
  if (connection.state !== "authenticating" || packet === null || clientId === null) return;
  broker.memory.connections.give(connection.waitingBytes);
  connection.connect = null;
  const refusal =
    refused ??
    refusalByState(broker, connection, packet, clientId) ??
    refusalByStore(broker, connection, packet, clientId) ??
    refusalByRoom(broker, connection, packet, clientId);
  if (refusal !== null) return refuse(broker, connection, refusal, packet);
  const session = accept(broker, connection, packet, clientId);
  // It was let in because its answer promises nothing that the store has not kept already.
  if (failureFor(broker, session) !== null) broker.journal?.late();
}

/**
 * Accepts a CONNECT. CONNACK is the first packet sent, and sent once [v4-3.1.4-4] [v4-3.2.0-1]
 * [v5-3.1.4-5] [v5-3.2.0-1] [v5-3.2.0-2].
 */
function accept(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): Session {
  broker.budget.spent += unitsOfConnect;
  const session = openSession(broker, connection, packet, clientId);
  // The same text once: it may be long.
  connection.clientId = session.clientId;
  // A session that existed before has a version [v4-3.2.2-1] to -3 [v5-3.2.2-2] [v5-3.2.2-3].
  const sessionPresent = session.version !== null;
  connection.become("connected");
  connection.session = session;
  connection.lastPacketAt = broker.now;
  // The send quota begins here, on each connection anew [v5-4.9.0-1].
  connection.receiveMaximum = Math.min(packet.receiveMaximum, broker.limits.inflight);
  connection.aliasesOutMax = Math.min(packet.topicAliasMaximum, broker.limits.topicAliases);
  connection.keepAliveSeconds = keepAliveSecondsInForce(broker, packet);
  connection.allowedMs = allowedSilenceMs(broker.rules, connection.keepAliveSeconds);
  connection.silentSince = broker.rules.keepAliveResetBy === "packet" ? null : broker.now;
  connection.sessionExpiryAskedSeconds = packet.sessionExpiryInterval ?? 0;
  session.username = packet.username;
  session.begin(connection, sessionExpirySecondsInForce(broker, packet), broker.now);
  connection.isResumable = isResumable(broker, connection, session);
  broker.invalidateRoutes(session);
  broker.statistics.connected += 1;
  broker.statistics.connectedMax = Math.max(
    broker.statistics.connectedMax,
    broker.statistics.connected,
  );
  armWill(broker, connection, session, packet);
  broker.send(connection, connackFor(broker, connection, packet, sessionPresent));
  connection.token = "";
  broker.effects.push({
    type: "watch",
    connection: connection.id,
    allowedMs: connection.allowedMs,
    clientId,
  });
  const willAccess = willAccessOf(broker, session);
  broker.records.accepted(connection, session, packet, { sessionPresent, willAccess });
  warnKeepAlive(broker, connection, packet);
  setConnectionDeadline(broker, connection);
  if (sessionPresent) startResends(broker, session);
  pump(broker, session);
  return session;
}

/**
 * The session of a client id for an accepted CONNECT [v4-3.1.3-2] [v5-3.1.3-2]: the existing one
 * [v4-3.1.2-4] [v5-3.1.2-5], or a new one, whose version is null [v5-3.1.2-6], as Clean Start asks
 * for it [v4-3.1.4-3] [v5-3.1.4-4]. First disconnects a connection that has this client id
 * [v4-3.1.4-2] [v5-3.1.4-3].
 */
function openSession(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): Session {
  const before = broker.sessions.get(clientId)?.connection ?? null;
  if (before !== null) {
    broker.records.takenOver(before, connection);
    endConnection(broker, before, "takenOver", { resumed: !packet.cleanStart });
  }
  const existing = broker.sessions.get(clientId);
  if (existing !== undefined) {
    endOverdue(broker, existing);
    if (existing.will !== null && isGraced(broker, existing.will, packet.cleanStart)) {
      cancelDelayedWill(broker, existing, "restart grace");
      if (existing.isOver) endSession(broker, existing, "connection ended");
    }
  }
  const session = broker.sessions.get(clientId);
  if (session !== undefined && !packet.cleanStart) {
    broker.deadlines.clear(session.deadline);
    broker.pressure.idle.delete(session);
    cancelDelayedWill(broker, session, "resumed");
    return session;
  }
  // [v4-3.1.2-6] [v5-3.1.2-4]: Clean Start replaces the session, so the old session's will is due.
  if (session !== undefined) endSession(broker, session, "replaced");
  const opened = new Session(clientId, broker.sessionsShare, broker.now);
  broker.sessions.set(clientId, opened);
  return opened;
}

/** Whether the session can outlive its connection. A DISCONNECT of v5 may ask for another expiry. */
function isResumable(
  { rules }: Broker,
  { version, sessionExpiryAskedSeconds }: Connection,
  { expiryIntervalSeconds }: Session,
): boolean {
  if (expiryIntervalSeconds > 0 || sessionExpiryAskedSeconds > 0) return true;
  return version === 5 && rules.expiryMayBeRaised;
}

/**
 * Stores the will that CONNECT sets [v4-3.1.2-8] [v5-3.1.2-7]; without one, none is published
 * [v4-3.1.2-12].
 */
function armWill(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: ConnectPacket,
): void {
  const asked = packet.will ?? broker.formerWills.get(session) ?? null;
  if (asked === null || isIgnored(broker.rules, packet, asked)) return;
  const topic = connection.listener.mountPoint + asked.topic;
  const will = new Will(session, asked, topic, broker.now);
  session.arm(will);
  broker.memory.wills.take(will.held);
}

/** Whether the client may publish on its will's topic now. Checked again when the will is due. */
function willAccessOf(broker: Broker, session: Session): "allowed" | "denied" {
  // Under this rule CONNECT refuses a denied will, so this one is allowed.
  if (session.will === null || broker.rules.deniedWill === "refused") return "allowed";
  return mayWrite(broker, session, session.will.topic) ? "allowed" : "denied";
}

/**
 * MQTT 3.1 and 3.1.1 have no Server Keep Alive: the client's own applies, even above the maximum.
 */
function warnKeepAlive(broker: Broker, connection: Connection, packet: ConnectPacket): void {
  const maximum = broker.limits.keepAliveMaxSeconds;
  const above = packet.keepAliveSeconds === 0 || packet.keepAliveSeconds > maximum;
  if (packet.version === 5 || maximum === Infinity || !above) return;
  broker.note({
    event: "keepAliveAboveMaximum",
    peer: connection.peer,
    keepAlive: packet.keepAliveSeconds,
    maximum,
  });
}
