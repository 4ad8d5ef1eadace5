import type { Qos } from "../../src/core/packet.ts";
import { owedOf } from "./answers.ts";
import { demand, type Books } from "./books.ts";
import type { Connection } from "./connection.ts";
import type { Handovers } from "./handovers.ts";
import { Violation } from "./journal.ts";
import { isPerhapsUnfit, newCopy, type Offers } from "./offers.ts";
import type { Retained } from "./retained.ts";
import { anything, type Copy, type Publication, type Replay, type Session } from "./session.ts";
import { covers } from "./routes.ts";

/** The facts about a PUBLISH that the broker announced. */
export interface SentPublish {
  readonly topic: string;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly packetId: number;
  readonly key: number;
}

/** Milliseconds within which the broker starts to send a queue that has room. */
const promptMs = 50;

/**
 * QoS 1 at least once, QoS 2 exactly once, in the order of section 4.6; nothing without a
 * subscription; free packet ids, no more at once than the client accepts.
 */
export class Delivery {
  readonly #retained: Retained;
  readonly offers: Offers;
  readonly handovers: Handovers;

  constructor(retained: Retained, offers: Offers, handovers: Handovers) {
    this.#retained = retained;
    this.offers = offers;
    this.handovers = handovers;
  }

  /** Finds the copy that a PUBLISH to a session carries. `isWill`: some will has become due. */
  sent(
    connection: Connection,
    session: Session,
    packet: SentPublish,
    now: number,
    isWill: () => boolean,
  ): Copy {
    session.sentAt = now;
    if (packet.dup) return this.#sentAgain(connection, session, packet);
    let copy = this.#find(session, packet, now);
    if (copy === null && isWill()) copy = this.#find(session, packet, now);
    copy ??= this.#fromLikes(session, packet);
    if (copy === null) return this.#unasked(session, packet);
    copy.sent = true;
    const { publisher, serial } = copy.publication;
    if (this.offers.isAlike(packet.key)) copy.alike = [anything];
    else session.newest.set(kindOf(packet.topic, publisher, packet.qos), serial);
    if (packet.qos > 0) this.#enter(connection, session, copy, packet.packetId);
    return copy;
  }

  #unasked(session: Session, packet: SentPublish): never {
    const detail = {
      to: session.clientId,
      packet,
      waiting: session.queues[packet.qos].slice(0, 3),
    };
    const isLate = session.queues[packet.qos].some((copy) => isCopy(copy, packet));
    if (isLate) throw new Violation("what has expired is not sent any more [v5-3.3.2-5]", detail);
    throw new Violation("a client gets what it asked for, and once", detail);
  }

  #find(session: Session, packet: SentPublish, now: number): Copy | null {
    const copy =
      this.#fromQueue(session, packet, now) ??
      this.#fromReplay(session, packet, now) ??
      this.#fromShare(session, packet, now) ??
      this.handovers.taken(session, packet, now);
    if (!packet.retain || !session.hasLikes) return copy;
    if (copy !== null) copy.alike = [anything];
    return copy;
  }

  /**
   * With Retain As Published a forwarded and a retained message look the same, and a client may get
   * both. Only later packets could tell them apart, so the checks for such a session are weaker.
   */
  #fromLikes(session: Session, packet: SentPublish): Copy | null {
    if (!packet.retain || !session.hasLikes) return null;
    const publication = this.offers.published.get(packet.key);
    if (publication?.retain !== true || publication.topic !== packet.topic) return null;
    const isWanted = session.replays.some(
      ({ subscription, isAnswered }) => isAnswered && covers(subscription, packet.topic),
    );
    return isWanted
      ? { ...newCopy(publication, packet.qos, true, [], null), alike: [anything] }
      : null;
  }

  /** A session resumes: unacknowledged messages must be resent, in order. */
  resume(session: Session, connection: Connection): void {
    for (const copy of session.inflight.values()) {
      if (copy.released) connection.owed.push(owedOf("pubrel", copy.packetId));
      else copy.isAgain = true;
    }
    if (connection.maximumPacketSize === Infinity && connection.mountPoint === "") return;
    // [v5-3.1.2-25]: what this connection is too small for counts as sent and acknowledged.
    const waiting = [...session.queues.flat(), ...session.shared, ...session.inflight.values()];
    for (const copy of waiting) {
      if (copy.released || !isPerhapsUnfit(connection, copy.publication)) continue;
      copy.mayBeLost ??= "too large";
      if (copy.share !== null) copy.share.mayBeLost = true;
    }
    for (const { owed } of session.replays) {
      for (const [topic, publication] of owed) {
        if (isPerhapsUnfit(connection, publication)) owed.delete(topic);
      }
    }
  }

  subscribed(session: Session, replay: Replay, filter: string): void {
    this.endReplays(session, filter);
    session.replays.push(replay);
  }

  endReplays(session: Session, filter: string): void {
    for (const replay of session.replays) {
      if (replay.subscription.filter === filter) replay.isOver = true;
    }
    if (session.replays.length > 200) {
      session.replays = session.replays.filter(({ isOver }) => !isOver);
    }
  }

  /** Everything that had to arrive did arrive, now that nothing blocks it. */
  expectDelivered(session: Session, now: number): void {
    for (const copy of [...session.queues.flat(), ...session.shared]) {
      const { publication, share } = copy;
      const isLost =
        copy.mayBeLost !== null ||
        copy.retain ||
        publication.expiresAt <= now ||
        isPerhapsUnfit(session.connection, publication) ||
        (share !== null && (share.sent || share.mayBeLost));
      demand(isLost, "what a session waits for arrives in the end", { to: session.clientId, copy });
    }
    for (const copy of session.inflight.values()) {
      const isLost = copy.isAgain && copy.mayBeLost !== null;
      demand(isLost, "what is in flight is acknowledged in the end", {
        to: session.clientId,
        copy,
      });
    }
    for (const replay of session.replays) {
      if (!replay.isOver && !session.hasLikes) this.#expectReplayed(session, replay, now);
    }
  }

  /**
   * Waiting messages are sent as soon as nothing prevents it; long queues take several turns. If a
   * turn has room for little, each message that is sent gives the next one as much time.
   */
  expectPrompt(session: Session, now: number, { isCut, slackMs, store }: Books): void {
    const { connection, inflight, queues } = session;
    const first = queues[1].find(isCertain) ?? queues[2].find(isCertain);
    const isFree =
      connection !== null &&
      first !== undefined &&
      first.publication.expiresAt > now &&
      !connection.isSilenced &&
      !(store === null ? connection.link.clogged : connection.isBehind) &&
      !isPerhapsUnfit(connection, first.publication) &&
      inflight.size < connection.window;
    if (!isFree) {
      session.freeSince = null;
      return;
    }
    session.freeSince ??= now;
    const since = isCut ? Math.max(session.freeSince, session.sentAt) : session.freeSince;
    demand(now - since <= promptMs + slackMs, "what waits is sent when there is room for it", {
      to: session.clientId,
      first,
      since,
      now,
    });
  }

  #expectReplayed(session: Session, replay: Replay, now: number): void {
    for (const [topic, publication] of replay.owed) {
      const isOver =
        replay.sent.has(topic) ||
        this.#retained.topics.get(topic) !== publication ||
        publication.expiresAt <= now ||
        isPerhapsUnfit(session.connection, publication);
      demand(isOver, "a subscription gets the retained messages that match it", {
        to: session.clientId,
        filter: replay.subscription.filter,
        publication,
      });
    }
  }

  #sentAgain(connection: Connection, session: Session, packet: SentPublish): Copy {
    const copy = session.inflight.get(packet.packetId);
    demand(
      copy !== undefined && copy.publication.key === packet.key && copy.isAgain && !copy.released,
      "only what was not acknowledged is sent again",
      { to: session.clientId, packet, copy },
    );
    for (const other of session.inflight.values()) {
      if (other === copy) break;
      const isLeft = other.isAgain && other.mayBeLost === null;
      demand(!isLeft, "what is sent again keeps its order [v5-4.6.0-1]", { packet, other });
    }
    copy.isAgain = false;
    this.#countAsUnanswered(connection, copy);
    return copy;
  }

  #fromQueue(session: Session, packet: SentPublish, now: number): Copy | null {
    const queue = session.queues[packet.qos];
    const place = queue.findIndex((copy) => isCopy(copy, packet) && !hasExpired(copy, now));
    const copy = queue[place];
    if (copy === undefined) return null;
    const twin = session.shared.find(
      (other) => other.qos === packet.qos && isCopy(other, packet) && other.share?.sent === false,
    );
    if (twin !== undefined) {
      // Either may be the sent one, if a message was published twice.
      twin.alike = [...twin.alike, copy.identifiers];
      copy.alike = [...copy.alike, twin.identifiers];
      if (twin.publication.serial < copy.publication.serial && twin.share !== null) {
        doubtOne(queue, packet, now);
        twin.share.mayBeLost = true;
        session.shared = session.shared.filter((other) => other !== twin);
        return twin;
      }
    }
    if (copy.mayBeLost !== null) doubtOne(queue, packet, now);
    // The sent message may come from another member of a share; then nothing was overtaken.
    const isAnyones = (): boolean =>
      this.offers.isAlike(packet.key) && this.handovers.mayTake(session, packet, now);
    if (place === 0 || (packet.retain && session.hasLikes) || isAnyones()) {
      queue.splice(place, 1);
      return copy;
    }
    const { topic, publisher } = copy.publication;
    const stays: Copy[] = [];
    for (const other of queue.splice(0, place + 1)) {
      if (other === copy) continue;
      const { publication, mayBeLost } = other;
      if ((mayBeLost ?? "alike") !== "alike" || publication.expiresAt <= now) continue;
      if (isPerhapsUnfit(session.connection, publication)) continue;
      stays.push(other);
      if (mayBeLost !== null || other.retain) continue;
      demand(
        publication.topic !== topic || publication.publisher !== publisher,
        "order per topic and QoS [v5-4.6.0-6]",
        { to: session.clientId, sent: copy.publication, before: publication },
      );
    }
    queue.unshift(...stays);
    return copy;
  }

  #fromShare(session: Session, packet: SentPublish, now: number): Copy | null {
    const place = session.shared.findIndex(
      (copy) =>
        copy.qos === packet.qos &&
        isCopy(copy, packet) &&
        copy.share?.sent === false &&
        !hasExpired(copy, now),
    );
    const copy = session.shared[place];
    if (copy === undefined || copy.share === null) return null;
    session.shared = session.shared.filter((other) => other !== copy && other.share?.sent !== true);
    // The sent message may be another member's copy, if this one is retained.
    if (packet.retain) copy.share.mayBeLost = true;
    else if (!copy.share.isAlike) copy.share.sent = true;
    return copy;
  }

  #replaysLike(session: Session, packet: SentPublish, now: number): Replay[] {
    const current = this.#retained.isCurrent(packet.topic, packet.key, now);
    if (current === null) return [];
    return session.replays.filter(({ subscription, isAnswered }) => {
      if (!isAnswered) return false;
      const lesser = subscription.qos < current.qos ? subscription.qos : current.qos;
      return lesser === packet.qos && covers(subscription, packet.topic);
    });
  }

  #fromReplay(session: Session, packet: SentPublish, now: number): Copy | null {
    if (!packet.retain) return null;
    const current = this.#retained.isCurrent(packet.topic, packet.key, now);
    if (current === null) return null;
    const alike = this.#replaysLike(session, packet, now);
    const able = alike.filter(({ isOver, sent }) => !isOver && !sent.has(packet.topic));
    // A message stored since may be sent as well: it is the topic's retained message now.
    const owing = able.find(({ owed }) => owed.get(packet.topic) === current);
    // Several SUBSCRIBEs can explain one retained message, and the referee cannot tell which; but
    // no message explains two.
    const replay = owing ?? able[0] ?? alike[0];
    const count = (session.replayed.get(packet.topic) ?? 0) + 1;
    const causes = session.replays.filter(
      ({ subscription, isAnswered }) => isAnswered && covers(subscription, packet.topic),
    );
    if (replay === undefined || count > causes.length) return null;
    session.replayed.set(packet.topic, count);
    replay.sent.add(packet.topic);
    for (const other of session.shared) {
      // The share's copy may have been this one.
      if (other.share !== null && isCopy(other, packet)) other.share.mayBeLost = true;
    }
    if (!session.hasLikes && alike.length === 1)
      this.#expectNotOvertaken(session, replay, current, packet.qos);
    return {
      ...newCopy(current, packet.qos, true, identifiersOf(replay), null),
      alike: alike.map(identifiersOf),
    };
  }

  /**
   * [v5-4.6.0-6]: a message published after a SUBSCRIBE follows the older one that it requested.
   */
  #expectNotOvertaken(session: Session, replay: Replay, current: Publication, qos: Qos): void {
    const { topic, publisher, serial } = current;
    const newest = session.newest.get(kindOf(topic, publisher, qos)) ?? -1;
    demand(
      newest < replay.since || newest <= serial,
      "a retained message is not overtaken by a newer one [v5-4.6.0-6]",
      { to: session.clientId, newest, since: replay.since, current },
    );
  }

  #enter(connection: Connection, session: Session, copy: Copy, packetId: number): void {
    const before = session.inflight.get(packetId);
    const isFree = before === undefined || (before.isAgain && before.mayBeLost !== null);
    demand(isFree && packetId > 0, "a packet id is free before it is used [v5-2.2.1-4]", {
      to: session.clientId,
      packetId,
      before,
    });
    session.inflight.delete(packetId);
    copy.packetId = packetId;
    session.inflight.set(packetId, copy);
    this.#countAsUnanswered(connection, copy);
  }

  #countAsUnanswered(connection: Connection, copy: Copy): void {
    connection.unanswered.add(copy);
    demand(
      connection.unanswered.size <= connection.window,
      "no more at once than Receive Maximum and limits.inflight [v5-3.3.4-9]",
      { connection: connection.number, window: connection.window },
    );
  }

  /** An acknowledgement from a client; `incoming.ts` checks its consequences. */
  finish(connection: Connection, session: Session, copy: Copy): void {
    session.inflight.delete(copy.packetId);
    connection.unanswered.delete(copy);
  }
}

function isCertain({ mayBeLost, retain }: Copy): boolean {
  return mayBeLost === null && !retain;
}

function kindOf(topic: string, publisher: string, qos: Qos): string {
  return `${qos}${publisher} ${topic}`;
}

function identifiersOf({ subscription: { identifier } }: Replay): number[] {
  return identifier > 0 ? [identifier] : [];
}

/**
 * The sent message may have been a later copy like the assumed one, so one fewer is certain to be
 * due.
 */
function doubtOne(queue: readonly Copy[], packet: SentPublish, now: number): void {
  const certain = queue.find(
    (copy) => copy.mayBeLost === null && isCopy(copy, packet) && !hasExpired(copy, now),
  );
  if (certain !== undefined) certain.mayBeLost = "alike";
}

/** With an interval of 0 the message can be sent in the moment of its arrival, and not later. */
function hasExpired({ publication: { expiresAt, at } }: Copy, now: number): boolean {
  return expiresAt <= now && at < now;
}

function isCopy(
  { publication, retain }: Copy,
  { key, topic, retain: isRetained }: SentPublish,
): boolean {
  return publication.key === key && retain === isRetained && publication.topic === topic;
}

/** The key of a message in the payload of a PUBLISH: `m123;...`; -1: none. */
export function keyOf(payload: Uint8Array): number {
  if (payload[0] !== 0x6d) return -1;
  let key = 0;
  for (let place = 1; place < payload.length; place++) {
    const digit = (payload[place] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return key;
    key = key * 10 + digit;
  }
  return key;
}
