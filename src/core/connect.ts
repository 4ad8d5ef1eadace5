import type { Broker } from "./broker.ts";
import type { Connection } from "./connection.ts";
import { endConnection, endSession, settleOverdue } from "./ending.ts";
import { cancelDelayedWill } from "./fate.ts";
import { takenOver } from "./habits.ts";
import { ConnectionRecord } from "./history.ts";
import { pump, sendAgain } from "./forward.ts";
import { allowedMs, watchKeepAlive } from "./keepalive.ts";
import { packetSize } from "./packet-size.ts";
import type { ConnackPacket, ConnackProperties, ConnectPacket } from "./packet.ts";
import { excerpt } from "./excerpt.ts";
import { tooDeep } from "./publish.ts";
import { Reason, type ProtocolError, type ReasonCode } from "./reason.ts";
import { Session } from "./session.ts";
import { isServerOwned, utf8Length } from "./topic.ts";
import { Will } from "./will.ts";

/** `never`, as it stands in a Session Expiry Interval (v5 section 3.1.2.11.2). */
const noExpiry = 0xffff_ffff;

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
  connection.version = packet.version;
  if (packet.version !== 5) connection.announced = broker.limits;
  connection.maximumPacketSize = packet.maximumPacketSize ?? Infinity;
  const refusal = refusalByPacket(packet);
  if (packet.clientId !== "") connection.clientId = packet.clientId;
  if (refusal !== null) return refuse(broker, connection, refusal, packet);
  connection.clientId ??= connection.token;
  connection.connect = packet;
  connection.become("authenticating");
  broker.effects.push({
    type: "authenticate",
    connection: connection.id,
    clientId: connection.clientId,
    username: packet.username,
    password: packet.password,
    allowAnonymous: connection.listener.allowAnonymous,
  });
}

export function authenticated(
  broker: Broker,
  connection: Connection,
  refused: ProtocolError | null,
): void {
  const packet = connection.connect;
  const clientId = connection.clientId;
  // The verdict can come after the connect timeout had ended the connection of the same number.
  if (connection.state !== "authenticating" || packet === null || clientId === null) return;
  connection.connect = null;
  const refusal =
    refused ??
    refusalByWill(broker, connection, packet, clientId) ??
    refusalByLimit(broker, clientId) ??
    refusalBySize(broker, connection, packet);
  if (refusal !== null) return refuse(broker, connection, refusal, packet);
  accept(broker, connection, packet, clientId);
}

function refusalByPacket(packet: ConnectPacket): ProtocolError | null {
  if (packet.authenticationMethod !== null) {
    return {
      reason: Reason.badAuthenticationMethod,
      statement: "v5-4.12.0-1",
      detail: "no enhanced authentication method is configured",
    };
  }
  if (packet.clientId === "" && packet.version === 4 && !packet.cleanStart) {
    return {
      reason: Reason.clientIdentifierNotValid,
      statement: "v4-3.1.3-8",
      detail: "an empty client id needs Clean Session 1",
    };
  }
  const length = utf8Length(packet.clientId);
  if (packet.version === 3 && (length === 0 || length > 23)) {
    return {
      reason: Reason.clientIdentifierNotValid,
      statement: "v3-3.1",
      detail: "MQTT 3.1 wants a client id of 1 to 23 characters",
    };
  }
  return null;
}

function refusalByWill(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): ProtocolError | null {
  const will = packet.will;
  if (will === null) return null;
  const { limits, rules } = broker;
  const { qos, retain } = connection.announced;
  if (will.qos > qos) {
    const detail = `Will QoS ${will.qos}, and the maximum is ${qos}`;
    return fault(Reason.qosNotSupported, "v5-3.2.2-12", detail);
  }
  if (will.retain && !retain) {
    return fault(Reason.retainNotSupported, "v5-3.2.2-13", "Will Retain, but retain is off");
  }
  if (will.payload.length > limits.payloadSize) {
    const detail = `the will's payload of ${will.payload.length} B exceeds ${limits.payloadSize} B`;
    return fault(Reason.packetTooLarge, "v5-3.1.3.4", detail);
  }
  if (will.payload.length === 0 && rules.emptyWill === "refused") {
    return fault(Reason.implementationSpecificError, "v5-3.1.3.4", "a will without payload");
  }
  const topic = connection.listener.mountPoint + will.topic;
  if (tooDeep(topic, limits.topicLevels)) {
    const detail = `the will's topic has more than ${limits.topicLevels} levels`;
    return fault(Reason.topicNameInvalid, "v5-4.7.3", detail);
  }
  const who = { clientId, username: packet.username };
  if (isServerOwned(topic)) {
    const detail = "the will's topic is below $SYS, where only the broker may publish";
    return fault(Reason.notAuthorized, "v5-3.1.4-2", detail);
  }
  if (rules.deniedWill === "refused" && !broker.access.mayPublish(who, topic)) {
    return fault(
      Reason.notAuthorized,
      "v5-3.1.4-2",
      "this client may not publish on its will's topic",
    );
  }
  return null;
}

function refusalByLimit(broker: Broker, clientId: string): ProtocolError | null {
  if (broker.stopping) return fault(Reason.serverShuttingDown, "v5-3.1.4-2", "the broker stops");
  if (broker.sessions.has(clientId) || broker.sessions.size < broker.limits.sessions) return null;
  return fault(
    Reason.quotaExceeded,
    "v5-3.1.4-2",
    `all ${broker.limits.sessions} sessions are taken`,
  );
}

/** A client that can't be told the broker's limits would break them [v5-3.1.2-24]. */
function refusalBySize(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
): ProtocolError | null {
  const maximum = connection.maximumPacketSize;
  if (maximum === Infinity || packet.version !== 5) return null;
  const size = packetSize(connackFor(broker, connection, packet, false));
  if (size <= maximum) return null;
  const detail = `CONNACK of ${size} B exceeds the client's Maximum Packet Size of ${maximum} B`;
  return fault(Reason.packetTooLarge, "v5-3.1.2-24", detail);
}

function fault(reason: ReasonCode, statement: string, detail: string): ProtocolError {
  return { reason, statement, detail };
}

/** Answers a CONNECT that can be answered, then closes; a refused CONNECT publishes nothing. */
export function refuse(
  broker: Broker,
  connection: Connection,
  error: ProtocolError,
  packet: ConnectPacket | null = null,
): void {
  rememberRefusal(broker, connection, packet);
  broker.send(connection, {
    type: "connack",
    sessionPresent: false,
    reason: error.reason,
    properties: connection.version === 5 ? { reasonString: error.detail } : null,
  });
  endConnection(broker, connection, "refused", { ...error });
}

/**
 * Under the id that it claimed, so that its owner can ask why; whoever is connected with it stays.
 * `packet` is null where all that could be read of the CONNECT is in the connection.
 */
export function rememberRefusal(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket | null,
): void {
  if (connection.clientId === null) return;
  const record = new ConnectionRecord(connection);
  if (packet !== null) claim(record, packet);
  const will = packet?.will ?? null;
  if (will !== null) {
    const { topic, qos, retain, delayInterval, payload } = will;
    const mounted = connection.listener.mountPoint + topic;
    const payloadBytes = payload.length;
    record.refusedWill = excerpt({ topic: mounted, qos, retain, delayInterval, payloadBytes });
  }
  connection.record = record;
  const known = broker.histories.of(connection.clientId);
  const history = known?.connected ? known : broker.histories.gone(connection.clientId);
  history.refused(record);
}

function accept(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): void {
  const session = openSession(broker, connection, packet, clientId);
  const sessionPresent = session.version !== null;
  connection.become("connected");
  connection.session = session;
  connection.lastPacketAt = broker.now;
  connection.longestSilenceMs = 0;
  connection.receiveMaximum = Math.min(packet.receiveMaximum, broker.limits.inflight);
  connection.aliasesOutMax = Math.min(packet.topicAliasMaximum, broker.limits.topicAliases);
  connection.keepAlive = keepAliveInForce(broker, packet);
  connection.allowedMs = allowedMs(broker.rules, connection.keepAlive);
  connection.heardAt = broker.rules.keepAliveResetBy === "packet" ? null : broker.now;
  connection.sessionExpiryAsked = packet.sessionExpiryInterval ?? 0;
  session.version = packet.version;
  session.username = packet.username;
  session.connection = connection;
  session.expiryInterval = expiryInForce(broker, packet);
  broker.rerouted(session);
  broker.statistics.connected += 1;
  broker.statistics.connectedMax = Math.max(
    broker.statistics.connectedMax,
    broker.statistics.connected,
  );
  arm(broker, connection, session, packet);
  remember(broker, connection, session, packet, sessionPresent);
  broker.send(connection, connackFor(broker, connection, packet, sessionPresent));
  broker.effects.push({
    type: "watch",
    connection: connection.id,
    allowedMs: connection.allowedMs,
    clientId,
  });
  tell(broker, connection, session, packet, sessionPresent);
  watchKeepAlive(broker, connection);
  if (sessionPresent) sendAgain(broker, session);
  pump(broker, session);
}

/**
 * The session of a client id that is let in: the one that is there, or a new one (its version is
 * null). Whoever was connected with this id is sent away first [v4-3.1.4-2] [v5-3.1.4-3].
 */
function openSession(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  clientId: string,
): Session {
  const before = broker.sessions.get(clientId)?.connection ?? null;
  if (before !== null) {
    const history = broker.histories.of(clientId);
    if (history !== null) takenOver(broker, history, before, connection);
    endConnection(broker, before, "takenOver", { resumed: !packet.cleanStart });
  }
  const there = broker.sessions.get(clientId);
  if (there !== undefined) settleOverdue(broker, there);
  const session = broker.sessions.get(clientId);
  if (session !== undefined && !packet.cleanStart) {
    broker.deadlines.clear(session.deadline);
    cancelDelayedWill(broker, session);
    return session;
  }
  // [v4-3.1.2-6] [v5-3.1.2-4]: Clean Start begins a new session, so the old one's will is due.
  if (session !== undefined) endSession(broker, session, "replaced");
  const opened = new Session(clientId, broker.limits, broker.queued, broker.now);
  broker.sessions.set(clientId, opened);
  return opened;
}

function arm(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: ConnectPacket,
): void {
  if (packet.will === null) return;
  if (packet.will.payload.length === 0 && broker.rules.emptyWill === "ignored") return;
  session.will = new Will(
    session,
    {
      ...packet.will,
      // Bytes of the input's buffer do not outlive the input.
      payload: packet.will.payload.slice(),
      properties: packet.will.properties?.slice() ?? null,
    },
    connection.listener.mountPoint + packet.will.topic,
  );
  const { will } = session;
  // Where a denied will is refused, one that got here was allowed.
  const isLetIn = broker.rules.deniedWill === "refused";
  const origin = {
    clientId: session.clientId,
    remote: connection.remote,
    version: packet.version,
    keepAlive: connection.keepAlive,
    sessionExpiry: session.expiryInterval,
    access: isLetIn || broker.access.mayPublish(session, will.topic) ? "allowed" : "denied",
  } as const;
  will.record = broker.ledger.arm(will, origin, broker.now);
}

/** Begins a page in the history of its client id. */
function remember(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: ConnectPacket,
  sessionPresent: boolean,
): void {
  const record = new ConnectionRecord(connection);
  record.connectedAt = broker.now;
  record.sessionPresent = sessionPresent;
  record.sessionExpiry = session.expiryInterval;
  record.will = session.will?.record ?? null;
  claim(record, packet);
  connection.record = record;
  const history = broker.histories.connected(session.clientId);
  history.opened(record);
  if (record.will !== null) history.armed(record.will);
}

/** What CONNECT asked for. */
function claim(record: ConnectionRecord, packet: ConnectPacket): void {
  record.cleanStart = packet.cleanStart;
  record.username = excerpt(packet.username);
  record.keepAliveAsked = packet.keepAlive;
}

function keepAliveInForce(broker: Broker, packet: ConnectPacket): number {
  const maximum = broker.limits.keepAliveMax;
  if (packet.version !== 5 || maximum === Infinity) return packet.keepAlive;
  return packet.keepAlive === 0 ? maximum : Math.min(packet.keepAlive, maximum);
}

function expiryInForce(broker: Broker, packet: ConnectPacket): number {
  if (packet.version !== 5) return packet.cleanStart ? 0 : broker.limits.sessionExpiryMax;
  return Math.min(seconds(packet.sessionExpiryInterval ?? 0), broker.limits.sessionExpiryMax);
}

/** A Session Expiry Interval as a number that can be compared. */
export function seconds(interval: number): number {
  return interval === noExpiry ? Infinity : interval;
}

/** The CONNACK of a client that is let in. */
function connackFor(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
  sessionPresent: boolean,
): ConnackPacket {
  const properties = packet.version === 5 ? connackProperties(broker, connection, packet) : null;
  return { type: "connack", sessionPresent, reason: Reason.success, properties };
}

function connackProperties(
  broker: Broker,
  connection: Connection,
  packet: ConnectPacket,
): ConnackProperties {
  const { qos, receiveMaximum, retain, topicAliases } = connection.announced;
  const maximumPacketSize = connection.announced.packetSize;
  const expiry = expiryInForce(broker, packet);
  const keepAlive = keepAliveInForce(broker, packet);
  return {
    ...(expiry !== seconds(packet.sessionExpiryInterval ?? 0) && {
      sessionExpiryInterval: expiry === Infinity ? noExpiry : expiry,
    }),
    ...(receiveMaximum < 65_535 && { receiveMaximum }),
    ...(qos < 2 && { maximumQos: qos === 1 ? 1 : 0 }),
    ...(!retain && { retainAvailable: false }),
    ...(maximumPacketSize !== Infinity && { maximumPacketSize }),
    ...(packet.clientId === "" && { assignedClientIdentifier: connection.token }),
    ...(topicAliases > 0 && { topicAliasMaximum: topicAliases }),
    ...(keepAlive !== packet.keepAlive && { serverKeepAlive: keepAlive }),
  };
}

function tell(
  broker: Broker,
  connection: Connection,
  session: Session,
  packet: ConnectPacket,
  sessionPresent: boolean,
): void {
  broker.note({
    event: "connected",
    peer: connection.peer,
    version: packet.version,
    cleanStart: packet.cleanStart,
    sessionPresent,
    keepAlive: connection.keepAlive,
    keepAliveAsked: packet.keepAlive,
    sessionExpiry: session.expiryInterval,
    username: packet.username,
    will: session.will?.facts ?? null,
  });
  if (session.will !== null) broker.habits.armed(broker, connection, session, session.will);
  const maximum = broker.limits.keepAliveMax;
  const above = packet.keepAlive === 0 || packet.keepAlive > maximum;
  if (packet.version !== 5 && maximum !== Infinity && above) {
    broker.note({
      event: "keepAliveAboveMaximum",
      peer: connection.peer,
      keepAlive: packet.keepAlive,
      maximum,
    });
  }
}
