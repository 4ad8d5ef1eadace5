import type { Rights } from "./access.ts";
import { mayRead, noteDenied, rightsOf } from "./access-lists.ts";
import type { Broker } from "./broker.ts";
import { copyFor, type Recipient } from "./copy.ts";
import { decide, nextMember, isVisibleTo, alwaysSendsQos0, applyNoLocal } from "./decision.ts";
import type { Reach } from "./events.ts";
import { deliver, newOutcome, offer, plainDelivery, type Outcome } from "./forward.ts";
import { holdPublisher } from "./hold.ts";
import type { Delivery } from "./io.ts";
import { costs, messageBytes, textBytes } from "./memory.ts";
import type { Message } from "./packet.ts";
import type { Rules } from "./quirks/rules.ts";
import { retain } from "./retain.ts";
import { isLeftOut } from "./will-rules.ts";
import type { Session } from "./session.ts";
import type { Match } from "./match.ts";
import type { Group } from "./subscriptions.ts";

/** The recipients of a topic, valid until the broker's `generation` changes. */
export interface Route {
  readonly generation: number;
  /** Without those who may not read the topic; groups still have them as members. */
  readonly match: Match;
  /** Subscribers who may not read the topic; null: none. */
  readonly denied: ReadonlySet<Session> | null;
  /** The rights of the last publisher who may write to the topic; null: none was asked. */
  writer: Rights | null;
  /**
   * The copies of a QoS 0 message, if they are always the same: every recipient is connected
   * without backlog, size limit or aliases, and no group shares the topic. Null: decide for each
   * recipient.
   */
  readonly copies: readonly Delivery[] | null;
  /** Of memory, if it is remembered. */
  bytes: number;
}

/** Work of finding a route, and of each recipient on it. */
const unitsOfRoute = 2;
const unitsOfRecipient = 0.3;
/** Work of one step of a match. */
const unitsOfStep = 0.2;

/**
 * Bounds on the memory of remembered routes: number, recipients and groups (0.3 kB each) as if every
 * route had as many as the newest, and characters of a topic.
 */
const rememberedRoutes = 10_000;
const rememberedRecipients = 250_000;
const rememberedTopicLength = 512;

/**
 * Publishes a message to all its recipients [v4-4.5.0-1] [v5-4.5.0-1]: the one way in, for a
 * client's PUBLISH, a will and `$SYS`. `publisher` null: the broker. `reaches`: who gets a will, by
 * the standard every subscriber; null: the message is no will.
 */
export function publish(
  broker: Broker,
  publisher: Session | null,
  message: Message,
  reaches: Rules["willReaches"] | null = null,
): Reach {
  // Before `keep` takes the message out of its frame.
  const { frame } = message;
  broker.records.passed(message, publisher, reaches !== null);
  const retained = message.retain
    ? retain(broker, publisher, message, publisher === null || reaches !== null)
    : null;
  const route = routeOf(broker, message.topic, reaches === null);
  const { copies, match, denied: unread } = route;
  if (copies !== null && message.qos === 0 && !message.retain) {
    if (publisher === null || !match.withoutLocal.has(publisher)) {
      deliver(broker, message, copies, null, frame, reaches !== null);
      const reach = { delivered: copies.length, queued: 0, dropped: 0, away: 0, retained };
      return unread === null ? reach : { ...reach, ...denialIn(broker, route, message, reaches) };
    }
  }
  const outcome = newOutcome(retained === "stored", reaches === null ? null : []);
  let noLocal = false;
  for (const recipient of match.recipients) {
    const wanted = applyNoLocal(match, recipient, publisher);
    if (wanted === null) {
      noLocal = true;
      continue;
    }
    const { session } = wanted;
    if (reaches !== null && isLeftOut(reaches, publisher, session)) {
      outcome.away += 1;
      continue;
    }
    offer(broker, session, message, copyFor(wanted, message), outcome);
  }
  for (const group of match.groups) offerToGroup(broker, group, message, outcome, unread);
  if (outcome.copies.length > 0) {
    const { copies: sent, packetIds } = outcome;
    deliver(broker, message, sent, packetIds, frame, reaches !== null);
  }
  if (outcome.crowded !== null && publisher !== null) {
    holdPublisher(broker, publisher, outcome.crowded);
  }
  const { delivered, queued, dropped, away, losses } = outcome;
  const denied = unread === null ? null : denialIn(broker, route, message, reaches);
  if (losses === null || (losses.length === 0 && !noLocal && unread === null)) {
    return { delivered, queued, dropped, away, ...denied, retained };
  }
  const named = losses.length === 0 ? {} : { losses };
  return {
    ...{ delivered, queued, dropped, ...named, away, ...(noLocal && { noLocal }) },
    ...{ ...denied, retained },
  };
}

/**
 * Whether memory is left to keep a message: for the sessions that would have to queue it, and for
 * the copies in flight. Messages in flight may use what is left when no others are kept any more.
 */
export function isRoomFor(broker: Broker, publisher: Session, message: Message): boolean {
  const { memory } = broker;
  // Its packet id is kept until PUBREL.
  if (message.qos === 2 && !memory.hasRoom(costs.incoming)) return false;
  const bytes = messageBytes(message);
  const { match, denied } = routeOf(broker, message.topic);
  const fits = (wanted: Recipient | null): boolean => {
    if (wanted === null) return true;
    const copy = copyFor(wanted, message);
    const decision = decide(broker, wanted.session, message, copy, false);
    return (
      decision !== "queued" && (decision !== "sent" || copy.qos === 0 || memory.hasRoom(bytes))
    );
  };
  return (
    match.recipients.every((recipient) => fits(applyNoLocal(match, recipient, publisher))) &&
    match.groups.every((group) => fits(nextMember(group, message.topic, denied)))
  );
}

/** Whether the acknowledgement of a message would promise that the store keeps something. */
export function isForStore(broker: Broker, publisher: Session, message: Message): boolean {
  if (message.qos === 0) return false;
  if (message.retain || (message.qos === 2 && publisher.expiryIntervalSeconds > 0)) return true;
  const { recipients, groups } = routeOf(broker, message.topic).match;
  const isKept = ({ session, qos }: Recipient): boolean =>
    qos > 0 && session.expiryIntervalSeconds > 0;
  return recipients.some(isKept) || groups.some(({ members }) => members.some(isKept));
}

/** Whether any session subscribes to a topic. */
export function hasSubscribers(broker: Broker, topic: string): boolean {
  const { match } = routeOf(broker, topic);
  return match.recipients.length > 0 || match.groups.length > 0;
}

/**
 * Who gets the messages on a topic, remembered until something changes that. `remembers`: more
 * messages may follow on it.
 */
export function routeOf(broker: Broker, topic: string, remembers = true): Route {
  const known = broker.routes.get(topic);
  if (known !== undefined && known.generation === broker.generation) return known;
  const { subscriptions } = broker;
  const before = subscriptions.steps;
  const found = subscriptions.match(topic, broker.rules.wildcardsMatchDollar);
  const steps = subscriptions.steps - before;
  const { size } = broker.routes;
  const recipients = found.recipients.length + found.groups.length;
  broker.budget.spent += unitsOfRoute + steps * unitsOfStep + recipients * unitsOfRecipient;
  const denied = deniedAmong(broker, found, topic);
  const match = denied === null ? found : without(found, denied);
  const { copies, made } = fixedCopies(broker, match, topic);
  const { generation } = broker;
  const own = subscriptions.remembers(found) ? 0 : costs.match + recipients * costs.recipient;
  const bytes = made * costs.fixedCopy + own;
  const route = { generation, match, denied, writer: null, copies, bytes };
  if (!remembers || topic.length > rememberedTopicLength) return route;
  // A known topic may have far more recipients than before.
  const isFull = known === undefined && size >= rememberedRoutes;
  if (isFull || (size + 1) * recipients > rememberedRecipients) forgetRoutes(broker);
  remember(broker, topic, route);
  return route;
}

function remember(broker: Broker, topic: string, route: Route): void {
  const { match, denied, copies } = route;
  // Where some are left out, the recipients are a list of its own.
  const own = denied === null ? 0 : denied.size * deniedBytes + match.recipients.length * 8;
  route.bytes += costs.route + textBytes(topic) + (copies?.length ?? 0) * 8 + own;
  const replaced = broker.routes.get(topic)?.bytes ?? 0;
  broker.memory.routes.take(route.bytes - replaced);
  broker.routes.set(topic, route);
}

/** Bytes of memory of one who is left out. */
const deniedBytes = 40;

/** The subscribers who may not read the topic; null: there are none. Logs the first few. */
function deniedAmong(broker: Broker, match: Match, topic: string): ReadonlySet<Session> | null {
  if (broker.access.isOpen) return null;
  let denied: Set<Session> | null = null;
  const ask = (session: Session): void => {
    if (mayRead(broker, session, topic)) return;
    denied ??= new Set();
    denied.add(session);
    if (denied.size <= denialsNamed) noteDenied(broker, session, topic);
  };
  for (const { session } of match.recipients) ask(session);
  for (const { members } of match.groups) for (const { session } of members) ask(session);
  return denied;
}

/** Subscribers named who may not read a topic: in the log, and in the outcome of a will. */
const denialsNamed = 10;

function without(match: Match, denied: ReadonlySet<Session>): Match {
  return { ...match, recipients: match.recipients.filter(({ session }) => !denied.has(session)) };
}

/** Those who are left out of a message's reach; of a will, the first of them by name. */
function denialIn(
  broker: Broker,
  { denied }: Route,
  { topic }: Message,
  reaches: Rules["willReaches"] | null,
): Pick<Reach, "denied" | "denials"> {
  if (denied === null) return {};
  if (reaches === null) return { denied: denied.size };
  const denials = [...denied].slice(0, denialsNamed).map((session) => {
    const { by } = rightsOf(broker, session).verdict("read", topic);
    return { clientId: session.clientId, by };
  });
  return { denied: denied.size, denials };
}

/** Forgets the remembered routes and matches, which are found again as they are needed. */
export function forgetRoutes(broker: Broker): void {
  broker.subscriptions.forgetMatches();
  // Nothing else is counted there.
  broker.memory.routes.set(0);
  broker.routes.clear();
}

/** `copies`: see Route. `made`: how many of them no connection had before, which may share them. */
function fixedCopies(
  broker: Broker,
  match: Match,
  topic: string,
): { readonly copies: Delivery[] | null; readonly made: number } {
  const none = { copies: null, made: 0 };
  if (match.groups.length > 0) return none;
  const copies: Delivery[] = [];
  let made = 0;
  for (const recipient of match.recipients) {
    const { connection } = recipient.session;
    if (connection === null || !alwaysSendsQos0(broker, recipient.session)) return none;
    if (!isVisibleTo(connection, topic)) continue;
    const { lastDelivery } = connection;
    const copy = plainDelivery(connection, copyFor(recipient, { qos: 0, retain: false }));
    if (copy !== lastDelivery) made += 1;
    copies.push(copy);
  }
  return { copies, made };
}

/** Offers a message to one member of a group. `denied`: those who may not read its topic. */
export function offerToGroup(
  broker: Broker,
  group: Group,
  message: Message,
  outcome: Outcome,
  denied: ReadonlySet<Session> | null,
): void {
  const { members } = group;
  const chosen = nextMember(group, message.topic, denied);
  if (chosen === null) return;
  group.turn = (members.indexOf(chosen) + 1) % members.length;
  offer(broker, chosen.session, message, copyFor(chosen, message), outcome);
}
