import type {
  AckPacket,
  DisconnectPacket,
  PublishPacket,
  SubscribePacket,
  SubscriptionRequest,
  UnsubscribePacket,
} from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import type { BrokerEvent } from "../../src/core/events.ts";
import { owedOf } from "./answers.ts";
import { demand, type Books } from "./books.ts";
import type { Connection, Pending } from "./connection.ts";
import { keyOf, type Delivery } from "./delivery.ts";
import { isPerhapsUnfit } from "./offers.ts";
import type { Retained } from "./retained.ts";
import { covers } from "./routes.ts";
import {
  freeReplays,
  type Publication,
  type Replay,
  type Session,
  type Subscription,
} from "./session.ts";
import { isBrokers } from "./topics.ts";

type Of<Name extends BrokerEvent["event"]> = BrokerEvent & { readonly event: Name };

/** Bytes: more than a subscription takes. */
const filterBytes = 10_000;

const malformedOrWrong = ["protocolError"] as const;

/** An accepted client's packets, and the broker's required reactions. */
export class Incoming {
  readonly #books: Books;
  readonly #delivery: Delivery;
  readonly #retained: Retained;
  #serial = 0;
  /** A PUBLISH that the broker may refuse because it can't be retained. */
  undecided: {
    readonly connection: Connection;
    readonly topic: string;
    readonly accept: () => void;
  } | null = null;
  /** The broker reports a refused PUBLISH in the same call. */
  refusal: { readonly connection: Connection; readonly topic: string } | null = null;

  constructor(books: Books, delivery: Delivery, retained: Retained) {
    this.#books = books;
    this.#delivery = delivery;
    this.#retained = retained;
  }

  nextSerial(): number {
    return this.#serial++;
  }

  publish(connection: Connection, session: Session, packet: PublishPacket, now: number): void {
    const named = this.#topicOf(connection, packet);
    if (named === null) return;
    const topic = connection.mountPoint + named;
    const { limits } = this.#books;
    const promised = connection.heldTo(limits);
    if (
      packet.qos > promised.qos ||
      (packet.retain && !promised.retain) ||
      isTooDeep(topic, limits.topicLevels)
    ) {
      connection.verdict = malformedOrWrong;
      return;
    }
    const { packetId } = packet;
    const isKnown = packet.qos === 2 && session.incoming.has(packetId);
    const { unfinished } = connection;
    // [v5-3.3.4-7], for the messages of this connection.
    const isOneMore = packet.qos === 2 && !unfinished.has(packetId);
    if (isOneMore && connection.ask?.version === 5 && unfinished.size >= promised.receiveMaximum) {
      connection.verdict = ["quotaExceeded"];
      return;
    }
    const answer = packet.qos === 1 ? "puback" : "pubrec";
    connection.answerReason = null;
    if (isKnown) {
      connection.unfinished.add(packetId);
      return void connection.owed.push(owedOf(answer, packetId));
    }
    const isUnauthorized = isBrokers(connection.mountPoint, named) || isDenied(topic);
    const isRefused = isUnauthorized || packet.payload.length > limits.payloadSize;
    const isUnkept =
      !isRefused && this.#books.store?.refuses(session.clientId, topic, packet) === true;
    if (isUnkept && connection.ask?.version !== 5) {
      connection.verdict = ["storeFailed"];
      return;
    }
    const isShort =
      !isRefused && !isUnkept && this.#books.shortage.refuses(session.clientId, topic, packet);
    if (isShort && connection.ask?.version !== 5) {
      connection.verdict = ["memory"];
      return;
    }
    if (packet.qos > 0) connection.owed.push(owedOf(answer, packetId));
    if (isRefused || isUnkept || isShort) {
      if (!isUnauthorized || connection.isDenialNew(topic)) this.refusal = { connection, topic };
      if (packet.qos > 0) connection.answerReason = "refusal";
      return;
    }
    const accept = (): void => this.#accept(connection, session, packet, topic, now);
    // Only the broker counts the exact bytes of what it retains.
    const mayBeRefused =
      packet.retain &&
      packet.qos > 0 &&
      packet.payload.length > 0 &&
      connection.ask?.version === 5 &&
      this.#retained.isPerhapsFull(now, topic.length * 2 + packet.payload.length);
    if (mayBeRefused) this.undecided = { connection, topic, accept };
    else accept();
  }

  /** Whether the broker refuses the undecided PUBLISH, by its next event. */
  decide(refused: { readonly remote: string; readonly topic: string } | null): boolean {
    const { undecided } = this;
    this.undecided = null;
    if (undecided === null) return false;
    const { connection, topic, accept } = undecided;
    const isRefused = refused?.topic === topic && refused.remote === connection.remote;
    if (isRefused) connection.answerReason = "refusal";
    else accept();
    return isRefused;
  }

  #accept(
    connection: Connection,
    session: Session,
    packet: PublishPacket,
    topic: string,
    now: number,
  ): void {
    if (packet.qos === 2) {
      session.incoming.add(packet.packetId);
      connection.unfinished.add(packet.packetId);
    }
    const expiry = packet.expirySeconds;
    const reached = this.#delivery.offers.publish({
      serial: this.#serial++,
      key: keyOf(packet.payload),
      topic,
      qos: packet.qos,
      retain: packet.retain,
      publisher: session.clientId,
      payloadBytes: packet.payload.length,
      propertyBytes: packet.properties?.length ?? 0,
      contentType: connection.sentContentType,
      expiresAt: expiry === null ? Infinity : now + expiry * 1000,
      at: now,
      recipients: 0,
      unsure: 0,
      keptWith: 0,
    });
    if (packet.qos > 0) connection.answerReason = reached;
  }

  acknowledge(connection: Connection, session: Session, packet: AckPacket): void {
    const { type, packetId, reason } = packet;
    if (type === "pubrel") {
      if (this.#isUnkeepable(session)) return void (connection.verdict = ["storeFailed"]);
      session.incoming.delete(packetId);
      connection.unfinished.delete(packetId);
      connection.owed.push(owedOf("pubcomp", packetId));
      return;
    }
    const copy = session.inflight.get(packetId);
    if (type === "pubrec") {
      if (copy === undefined && reason >= 0x80) return;
      if (copy === undefined) return void connection.owed.push(owedOf("pubrel", packetId));
      if (copy.qos !== 2) return void (connection.verdict = malformedOrWrong);
      if (reason >= 0x80) return this.#delivery.finish(connection, session, copy);
      copy.released = true;
      copy.isAgain = false;
      connection.owed.push(owedOf("pubrel", packetId));
      return;
    }
    if (copy === undefined) return;
    const isRight = type === "puback" ? copy.qos === 1 : copy.qos === 2 && copy.released;
    // It may have been too large, and the broker no longer has it.
    const isUnsure = copy.isAgain && copy.mayBeLost !== null;
    if (!isRight && !isUnsure) return void (connection.verdict = malformedOrWrong);
    connection.isUnsure = !isRight;
    if (!isRight) return;
    this.#delivery.finish(connection, session, copy);
  }

  /** The broker handles its filters one after the other, perhaps in pieces. */
  filters(connection: Connection, packet: SubscribePacket | UnsubscribePacket): void {
    const isRefused = packet.type === "unsubscribe" && this.#isUnkeepable(connection.session);
    if (isRefused && connection.ask?.version !== 5) {
      connection.verdict = ["storeFailed"];
      return;
    }
    const answer = packet.type === "subscribe" ? "suback" : "unsuback";
    connection.owed.push(owedOf(answer, packet.packetId));
    const granted = isRefused ? packet.filters.map(() => Reason.implementationSpecificError) : [];
    connection.pending = { packet, granted, refusedBy: new Set() };
  }

  /** What would change of a session can't be kept now. */
  #isUnkeepable(session: Session | null): boolean {
    return this.#books.store?.isFailing === true && (session?.expiry ?? 0) > 0;
  }

  /** The broker has handled the next filter of a SUBSCRIBE that needs an event. */
  subscribed(connection: Connection, event: Of<"subscribed">, now: number): void {
    const { pending, session } = connection;
    const isAsked = session !== null && pending?.packet.type === "subscribe";
    demand(isAsked, "who has sent SUBSCRIBE is subscribed", event);
    const { subscriptions, subscriptionIdentifier } = pending.packet;
    const { granted, refusedBy } = pending;
    const isNext = ({ filter }: SubscriptionRequest, at: number): boolean =>
      at >= granted.length && filter === event.filter;
    // The same filter may stand there several times, and all but the last may be refused.
    const isGranted = ({ qos }: SubscriptionRequest): boolean =>
      Math.min(qos, this.#books.limits.qos) === event.reason;
    const granting = subscriptions.findIndex(
      (request, at) => isNext(request, at) && isGranted(request),
    );
    const place = refusedBy.size > 0 && granting >= 0 ? granting : subscriptions.findIndex(isNext);
    const request = subscriptions[place];
    demand(request !== undefined, "a filter is subscribed as it was sent", event);
    this.#refuseUntil(connection, pending, place);
    if (event.limit !== undefined) refusedBy.add(event.limit);
    if (event.limit === "memory") {
      const isShort = this.#books.shortage.isFrom(1, filterBytes);
      demand(isShort, "a filter is refused for memory where it is short", event);
      granted.push(Reason.quotaExceeded);
      return;
    }
    if (this.#isUnkeepable(session) && isForStore(event.reason)) {
      granted.push(event.reason);
      return;
    }
    granted.push(this.#subscribe(connection, session, request, subscriptionIdentifier ?? 0, now));
    this.#books.generation += 1;
  }

  /** The broker has handled the next filter of an UNSUBSCRIBE that needs an event. */
  unsubscribed(connection: Connection, event: Of<"unsubscribed">): void {
    const { pending, session } = connection;
    const isAsked = session !== null && pending?.packet.type === "unsubscribe";
    demand(isAsked, "who has sent UNSUBSCRIBE is unsubscribed", event);
    const { filters } = pending.packet;
    const place = filters.findIndex(
      (filter, at) => at >= pending.granted.length && filter === event.filter,
    );
    demand(place >= 0, "a filter is unsubscribed as it was sent", event);
    this.#refuseUntil(connection, pending, place);
    const subscription = session.subscriptions.get(event.filter);
    demand(subscription !== undefined, "a subscription ends that there is", event);
    session.subscriptions.delete(event.filter);
    this.#delivery.handovers.unsubscribed(session, subscription);
    this.#delivery.endReplays(session, event.filter);
    this.#books.generation += 1;
    pending.granted.push(Reason.success);
  }

  /** Codes of the SUBACK or UNSUBACK that is due; all of its filters are handled. */
  answered(connection: Connection): readonly number[] {
    const { pending, session } = connection;
    connection.pending = null;
    if (pending === null) return [];
    if (session !== null) freeReplays(session);
    const { packet, granted } = pending;
    const filters = packet.type === "subscribe" ? packet.subscriptions : packet.filters;
    this.#refuseUntil(connection, pending, filters.length);
    return granted;
  }

  /** Filters without an event: nothing was subscribed, or a limit has refused another before. */
  #refuseUntil({ session, mountPoint }: Connection, pending: Pending, end: number): void {
    const { packet, granted, refusedBy } = pending;
    while (granted.length < end) {
      if (packet.type === "unsubscribe") {
        const isThere = session?.subscriptions.has(packet.filters[granted.length] ?? "") === true;
        demand(!isThere, "a filter that is subscribed is unsubscribed", { packet, granted });
        granted.push(Reason.noSubscriptionExisted);
        continue;
      }
      const { filter = "" } = packet.subscriptions[granted.length] ?? {};
      const { pattern } = shareOf(filter, mountPoint);
      const isDeep = isTooDeep(pattern, this.#books.limits.topicLevels);
      const isRefused = isDeep ? refusedBy.has("topicLevels") : refusedBy.size > 0;
      demand(isRefused, "each filter is subscribed, or refused by a limit", { packet, granted });
      granted.push(isDeep ? Reason.topicFilterInvalid : Reason.quotaExceeded);
    }
  }

  disconnect(connection: Connection, session: Session, packet: DisconnectPacket): void {
    const asked = packet.sessionExpiryInterval;
    if (asked !== null) {
      if ((connection.ask?.expiry ?? 0) === 0 && asked > 0) {
        connection.verdict = malformedOrWrong;
        return;
      }
      const seconds = asked === 0xffff_ffff ? Infinity : asked;
      session.expiry = Math.min(seconds, this.#books.limits.sessionExpiryMaxSeconds);
    }
    if (packet.reason === 0) connection.verdict = ["disconnected"];
    else if (packet.reason === 4) connection.verdict = ["disconnectedWithWill"];
    else connection.verdict = ["disconnectedWithError"];
  }

  #topicOf(connection: Connection, packet: PublishPacket): string | null {
    const { topicAlias: alias, topic } = packet;
    if (alias === 0) return topic;
    const most = connection.limits.topicAliases;
    if (alias <= most && topic !== "") connection.aliasesIn[alias] = topic;
    const named = alias > most ? undefined : connection.aliasesIn[alias];
    if (named === undefined) connection.verdict = malformedOrWrong;
    return named ?? null;
  }

  #subscribe(
    connection: Connection,
    session: Session,
    request: SubscriptionRequest,
    identifier: number,
    now: number,
  ): number {
    const { limits } = this.#books;
    const { filter } = request;
    const { mountPoint } = connection;
    const { group, pattern } = shareOf(filter, mountPoint);
    if (isTooDeep(pattern, limits.topicLevels)) return 0x8f;
    // 3.1 has no code that refuses it: granted, and delivery decides.
    if (isDenied(pattern) && connection.ask?.version !== 3) return 0x87;
    const existed = session.subscriptions.has(filter);
    if (!existed && session.subscriptions.size >= limits.subscriptions) return 0x97;
    const subscription: Subscription = {
      reader: this.#books.hasAccessList ? session.clientId : null,
      filter,
      pattern,
      mounted: mountPoint.length,
      group,
      qos: request.qos < limits.qos ? request.qos : limits.qos,
      noLocal: request.noLocal,
      retainAsPublished: request.retainAsPublished,
      identifier,
    };
    session.subscriptions.set(filter, subscription);
    this.#delivery.handovers.subscribed(session, subscription);
    if (request.retainAsPublished) session.hasLikes = true;
    const { retainHandling } = request;
    // [v4-3.3.1-6] [v5-3.3.1-9] to -11
    if (group !== null || retainHandling === 2 || (retainHandling === 1 && existed)) {
      for (const replay of session.replays) {
        if (replay.subscription.filter === filter && !replay.isOver)
          replay.subscription = subscription;
      }
      return subscription.qos;
    }
    const owed = this.#books.limits.retain
      ? this.#retained.matching((topic) => covers(subscription, topic), now)
      : new Map<string, Publication>();
    for (const [topic, publication] of owed) {
      if (isPerhapsUnfit(connection, publication)) owed.delete(topic);
    }
    const replay: Replay = {
      subscription,
      owed,
      sent: new Set(),
      since: this.#serial,
      isAnswered: false,
      isOver: false,
    };
    this.#delivery.subscribed(session, replay, filter);
    return subscription.qos;
  }
}

/** A filter is refused that the store can't keep. */
function isForStore(reason: number): boolean {
  return reason === Reason.quotaExceeded || reason === Reason.implementationSpecificError;
}

/** No client may publish or subscribe there. */
export function isDenied(topic: string): boolean {
  return topic.includes("denied");
}

export function isTooDeep(topic: string, levels: number): boolean {
  return topic.split("/").length > levels;
}

function shareOf(filter: string, mountPoint: string): { group: string | null; pattern: string } {
  const [share, group, ...rest] = filter.split("/");
  if (share !== "$share" || group === undefined)
    return { group: null, pattern: mountPoint + filter };
  return { group, pattern: mountPoint + rest.join("/") };
}

/** Whether an acknowledgement's reason code states correctly that the message has subscribers. */
export function checkReason(connection: Connection, reason: number): void {
  const { answerReason } = connection;
  connection.answerReason = null;
  if (answerReason === null || connection.ask?.version !== 5) return;
  const detail = { connection: connection.number, reason, answerReason };
  if (answerReason === "refusal") {
    return demand(reason >= 0x80, "a refused PUBLISH is answered with a reason", detail);
  }
  const right = answerReason === "nobody" ? 0x10 : 0;
  demand(reason === right, "the reason tells whether anybody is there for it", detail);
}
