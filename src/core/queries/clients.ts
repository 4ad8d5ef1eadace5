import type {
  ClientAccount,
  ClientSummary,
  HoldsAccount,
  SessionAccount,
  SubscriptionAccount,
} from "../records/client-account.ts";
import type { WillAccount } from "../records/will-account.ts";
import { rightsOf } from "../access-lists.ts";
import type { Broker } from "../broker.ts";
import type { WillRecord } from "../records/wills.ts";
import { connectionNow, connectionOf } from "./connections.ts";
import { protocolName } from "../packet.ts";
import type { Session } from "../session.ts";
import { isGraced } from "../settling.ts";
import type { Subscription } from "../subscriptions.ts";
import { allOf, sorted, type Steps } from "../steps.ts";
import { willTopicOf } from "./will-topics.ts";

/** Held publishers named in the account of a subscriber. */
const holdersNamed = 10;

/** Clients with a session, connected or not, unordered. */
export function* clientsOf(broker: Broker): Steps<ClientSummary> {
  for (const session of sessionsNow(broker)) yield summaryOf(broker, session);
}

/** The same, the client that holds most first. */
export function* clientsByMemory(broker: Broker): Steps<ClientSummary> {
  const found: { readonly session: Session; readonly held: number }[] = [];
  for (const session of sessionsNow(broker)) {
    found.push({ session, held: session.held });
    yield null;
  }
  for (const { session } of yield* sorted(found, (a, b) => a.held > b.held)) {
    const isLive = broker.sessions.get(session.clientId) === session;
    yield isLive ? summaryOf(broker, session) : null;
  }
}

/** The account of a client id; null: unknown or forgotten. */
export function clientOf(broker: Broker, clientId: string): ClientAccount | null {
  const session = broker.sessions.get(clientId) ?? null;
  const history = broker.records.clients.of(clientId);
  if (session === null && history === null) return null;
  const newest = history?.wills.at(-1);
  const connections = (history?.connections ?? []).map((record) => connectionOf(broker, record));
  return {
    clientId,
    session: session && sessionAccount(session),
    connections: connections.toReversed(),
    wills: (history?.wills ?? []).map((record) => willOf(broker, session, record)).toReversed(),
    willTopic: newest === undefined ? null : willTopicOf(broker, newest),
    faults: history?.habits.map((habit) => ({ ...habit })) ?? [],
    events: history?.events ?? [],
  };
}

/** A will, and what becomes of it when it is due. */
function willOf(broker: Broker, session: Session | null, record: WillRecord): WillAccount {
  const will = session?.will ?? null;
  if (session === null || will?.recordRef !== record) return record.account;
  const { settledAt } = broker;
  const isUndue = will.isRestored && record.waitsAfterRestart === null;
  const account = {
    ...record.account,
    ...(isUndue && (record.dueAt ?? Infinity) < settledAt && { heldUntil: settledAt }),
    ...(isUndue && isGraced(broker, will, true) && { gracedUntil: settledAt }),
  };
  const { allowed, by } = rightsOf(broker, session).verdict("write", will.topic);
  return allowed ? account : { ...account, deniedNow: by };
}

/** A session with all its subscriptions, in one step. */
export function sessionAccount(session: Session): SessionAccount {
  return { ...sessionOf(session), subscriptions: allOf(subscriptionsIn(session)) };
}

/** A session whose subscriptions, which may be many, are found in steps of their own. */
export interface SessionSteps {
  readonly session: Omit<SessionAccount, "subscriptions">;
  readonly subscriptions: Steps<SubscriptionAccount>;
}

export function* sessionsOf(broker: Broker): Steps<SessionSteps> {
  for (const session of sessionsNow(broker)) {
    yield { session: sessionOf(session), subscriptions: subscriptionsIn(session) };
  }
}

export function* subscriptionsOf(broker: Broker): Steps<SubscriptionAccount> {
  for (const session of sessionsNow(broker)) {
    yield null;
    yield* subscriptionsIn(session);
  }
}

/**
 * The sessions that exist at the first step, less those that end before their own. New sessions are
 * added at the end; without the count this might never finish while clients connect and disconnect.
 */
function* sessionsNow({ sessions }: Broker): Generator<Session, void, void> {
  let left = sessions.size;
  for (const session of sessions.values()) {
    if (left-- === 0) return;
    yield session;
  }
}

function* subscriptionsIn(session: Session): Steps<SubscriptionAccount> {
  for (const subscription of session.subscriptions.values()) {
    yield subscriptionAccount(subscription);
  }
}

/** The listener of a client's newest connection, by its name; null: none is remembered. */
export function lastListenerOf({ records }: Broker, clientId: string): string | null {
  return records.clients.of(clientId)?.connections.at(-1)?.facts.listener ?? null;
}

export function isKnown(broker: Broker, clientId: string): boolean {
  return broker.sessions.has(clientId) || broker.records.clients.of(clientId) !== null;
}

/** Known client ids, as many as at the first step, so that new ones can't make it endless. */
export function* knownClientIds({ records }: Broker): Generator<string, void, void> {
  let left = records.clients.size;
  for (const id of records.clients.ids()) {
    if (left-- === 0) return;
    yield id;
  }
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
    memoryBytes: session.held,
    will: session.will?.state ?? null,
  };
}

function sessionOf(session: Session): SessionSteps["session"] {
  const { connection, queue, expiryIntervalSeconds, deadline } = session;
  return {
    clientId: session.clientId,
    connected: connection !== null,
    createdAt: session.createdAt,
    expirySeconds: expiryIntervalSeconds === Infinity ? null : expiryIntervalSeconds,
    endsAt: deadline?.isSet === true ? deadline.due : restoredEnd(session),
    queue: { messages: queue.count, bytes: queue.bytes },
    inflight: session.outgoing.count,
    receiveMaximum: connection?.receiveMaximum ?? null,
    incoming: session.incoming.size,
    dropping: session.dropping,
    holds: holdsAccount(session),
  };
}

/** When a restored session ends whose expiry does not run yet; null: it is no such, or never. */
function restoredEnd({ connection, ended, expiryIntervalSeconds: expiry }: Session): number | null {
  if (connection !== null || ended === null || expiry === Infinity) return null;
  return ended.at + expiry * 1000;
}

/** The publishers held for a subscriber. */
function holdsAccount({ heldPublishers }: Session): HoldsAccount {
  const clientIds: string[] = [];
  for (const { clientId } of heldPublishers?.connections ?? []) {
    if (clientIds.push(clientId ?? "") === holdersNamed) break;
  }
  return { count: heldPublishers?.connections.size ?? 0, clientIds };
}
