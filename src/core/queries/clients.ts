import type {
  ClientAccount,
  ClientSummary,
  ConnectionAccount,
  SessionAccount,
  SubscriptionAccount,
} from "../records/shapes.ts";
import type { Broker } from "../broker.ts";
import type { Connection } from "../connection.ts";
import { holdsAccount } from "../hold.ts";
import { firstDue } from "../keepalive.ts";
import { protocolName } from "../packet.ts";
import type { Session } from "../session.ts";
import type { Subscription } from "../subscriptions.ts";
import { allOf, type Walk } from "../walk.ts";

/** Clients that have a session, connected or not, in no particular order. */
export function* clientsOf(broker: Broker): Walk<ClientSummary> {
  for (const session of sessionsNow(broker)) yield summaryOf(broker, session);
}

/** All that is known of a client id; null: nothing, or it is forgotten. */
export function clientOf(broker: Broker, clientId: string): ClientAccount | null {
  const session = broker.sessions.get(clientId) ?? null;
  const history = broker.histories.of(clientId);
  if (session === null && history === null) return null;
  const connections = (history?.connections ?? []).map((record) => {
    const { connection, end } = record;
    if (end !== null) return record.account(null);
    const standstill = broker.standstills.of(connection, broker.now);
    return record.account({ deadline: firstDue(broker, connection), standstill });
  });
  return {
    clientId,
    session: session && sessionAccount(session),
    connections: connections.toReversed(),
    wills: (history?.wills ?? []).map(({ account }) => account).toReversed(),
    faults: history?.faults.map((fault) => ({ ...fault })) ?? [],
    events: [...(history?.events ?? [])],
  };
}

/** A session with its subscriptions, however many they are. */
export function sessionAccount(session: Session): SessionAccount {
  return { ...sessionOf(session), subscriptions: allOf(subscriptionsIn(session)) };
}

type NowFact = "remote" | "listener" | "keepAliveSeconds" | "lastPacket" | "deadlineAt";

/** What every account of a connection that lives tells of it. */
export interface ConnectionNow extends Pick<ConnectionAccount, NowFact | "deadlineCause"> {
  readonly allowedMs: number | null;
}

export function connectionNow(broker: Broker, connection: Connection): ConnectionNow {
  const { due, cause } = firstDue(broker, connection);
  const isAwaited = due !== Infinity;
  return {
    remote: connection.remote,
    listener: connection.listener.name,
    keepAliveSeconds: connection.keepAlive,
    allowedMs: connection.allowedMs,
    lastPacket: {
      type: connection.lastPacketType.toUpperCase(),
      at: connection.lastPacketAt,
    },
    deadlineAt: isAwaited ? due : null,
    deadlineCause: isAwaited ? cause : null,
  };
}

/** A session whose subscriptions, which may be many, are a walk of their own. */
export interface SessionWalk {
  readonly session: Omit<SessionAccount, "subscriptions">;
  readonly subscriptions: Walk<SubscriptionAccount>;
}

export function* sessionsOf(broker: Broker): Walk<SessionWalk> {
  for (const session of sessionsNow(broker)) {
    yield { session: sessionOf(session), subscriptions: subscriptionsIn(session) };
  }
}

export function* subscriptionsOf(broker: Broker): Walk<SubscriptionAccount> {
  for (const session of sessionsNow(broker)) {
    yield null;
    yield* subscriptionsIn(session);
  }
}

/**
 * The sessions that there are now, as far as they are there still when their turn comes. Those that
 * come anew stand behind them; without a count a walk might never catch up with clients that come and go.
 */
function* sessionsNow({ sessions }: Broker): Generator<Session, void, void> {
  let left = sessions.size;
  for (const session of sessions.values()) {
    if (left-- === 0) return;
    yield session;
  }
}

function* subscriptionsIn(session: Session): Walk<SubscriptionAccount> {
  for (const subscription of session.subscriptions.values()) {
    yield subscriptionAccount(subscription);
  }
}

export function isKnown(broker: Broker, clientId: string): boolean {
  return broker.sessions.has(clientId) || broker.histories.of(clientId) !== null;
}

/** The client ids that are remembered. */
export function* knownClientIds(broker: Broker): Generator<string, void, void> {
  yield* broker.histories.ids();
}

function subscriptionAccount(subscription: Subscription): SubscriptionAccount {
  const { session, filter, qos, noLocal, retainAsPublished, identifier, group } = subscription;
  return {
    clientId: session.clientId,
    filter,
    qos,
    noLocal,
    retainAsPublished,
    identifier,
    group,
  };
}

function summaryOf(broker: Broker, session: Session): ClientSummary {
  const { connection } = session;
  const now = connection && connectionNow(broker, connection);
  return {
    clientId: session.clientId,
    connected: connection !== null,
    remote: now?.remote ?? null,
    listener: now?.listener ?? null,
    protocol: protocolName[session.version ?? 4],
    username: session.username,
    keepAliveSeconds: now?.keepAliveSeconds ?? 0,
    lastPacket: now?.lastPacket ?? null,
    deadlineAt: now?.deadlineAt ?? null,
    subscriptions: session.subscriptions.size,
    queued: session.queue.count,
    inflight: session.outgoing.count,
    will: session.will?.state ?? null,
  };
}

function sessionOf(session: Session): SessionWalk["session"] {
  const { connection, queue, expiryInterval, deadline } = session;
  return {
    clientId: session.clientId,
    connected: connection !== null,
    createdAt: session.createdAt,
    expirySeconds: expiryInterval === Infinity ? null : expiryInterval,
    endsAt: deadline.isSet ? deadline.due : null,
    queue: { messages: queue.count, bytes: queue.bytes },
    inflight: session.outgoing.count,
    receiveMaximum: connection?.receiveMaximum ?? null,
    incoming: session.incoming.size,
    dropping: session.dropping,
    holds: holdsAccount(session),
  };
}
