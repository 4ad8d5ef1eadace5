import type { Qos } from "../../src/core/packet.ts";
import { demand, type Books } from "./books.ts";
import type { Connection } from "./connection.ts";
import type { Retained } from "./retained.ts";
import { Routes } from "./routes.ts";
import type { Copy, Publication, Session, Share, Subscription } from "./session.ts";
import { isInSight } from "./topics.ts";

/** The most bytes that a PUBLISH needs beside topic and payload. */
const overhead = 60;

interface Fresh {
  readonly copy: Copy;
  readonly session: Session;
  readonly connection: Connection;
  readonly isClogged: boolean;
  /** Earlier QoS 0 waited when it was published. */
  readonly isBehind: boolean;
}

/** Forwards each publication by the standard: which client is to get which copy. */
export class Offers {
  readonly #books: Books;
  readonly #retained: Retained;
  readonly #routes: Routes;
  readonly #fresh: Fresh[] = [];
  /** By key, the latest. */
  readonly published = new Map<number, Publication>();
  readonly #publishedAgain = new Set<number>([-1]);
  /** By the key of their messages. */
  readonly #shares = new Map<number, Share[]>();

  constructor(books: Books, retained: Retained) {
    this.#books = books;
    this.#retained = retained;
    this.#routes = new Routes(books);
  }

  /** Returns whether any subscription matches, even if nothing waits for an offline client. */
  publish(publication: Publication): "somebody" | "nobody" {
    const { key } = publication;
    if (this.published.has(key)) this.#publishedAgain.add(key);
    this.published.set(key, publication);
    if (publication.retain) this.#retained.published(publication);
    const { plain, shares } = this.#routes.of(publication.topic);
    let reached: "somebody" | "nobody" = "nobody";
    publication.recipients = shares.length;
    for (const { session, own } of plain) {
      const wanted = this.#heardBy(session, own, publication);
      if (wanted === null) continue;
      if (isOutOfSight(session, publication)) continue;
      publication.recipients += 1;
      if (session.clientId === publication.publisher) publication.unsure += 1;
      reached = "somebody";
      this.#offer(session, wanted);
    }
    for (const { filter, members: all } of shares) {
      const members = all.filter(({ session }) => !isOutOfSight(session, publication));
      if (members.length === 0) {
        publication.recipients -= 1;
        continue;
      }
      const share = this.#share(publication, filter);
      const [first] = members;
      if (members.length === 1 && first?.session.clientId === publication.publisher) {
        publication.unsure += 1;
      }
      for (const { session, subscription } of members) {
        const copy = copyOf(publication, [subscription], share);
        reached = "somebody";
        this.#offer(session, copy);
      }
    }
    return reached;
  }

  /** Whether several copies may exist that look the same. */
  isAlike(key: number): boolean {
    return this.#publishedAgain.has(key);
  }

  sharesOf(key: number): readonly Share[] {
    return this.#shares.get(key) ?? [];
  }

  #share(publication: Publication, filter: string): Share {
    const share = { publication, filter, sent: false, mayBeLost: false, isAlike: false };
    const alike = this.#shares.get(publication.key);
    if (alike === undefined) {
      this.#shares.set(publication.key, [share]);
      return share;
    }
    alike.push(share);
    for (const each of alike) {
      each.mayBeLost = true;
      each.isAlike = true;
    }
    return share;
  }

  /** Copies that a connected session must get at once have arrived by now. */
  settle(): void {
    if (this.#fresh.length === 0) return;
    for (const { copy, session, connection, isClogged, isBehind } of this.#fresh) {
      if (copy.sent || copy.qos > 0) continue;
      const stays = session.connection === connection && connection.isOpen;
      const held = isClogged || connection.link.clogged || copy.mayBeLost !== null;
      const isShared = copy.share !== null;
      // A message published now waits behind those that already wait [v5-4.6.0-6].
      const mayWait =
        isBehind ||
        this.#books.queuedQos0 ||
        isHeldUp(session, connection, copy, this.#books.isCut);
      demand(!stays || held || isShared || mayWait, "QoS 0 reaches who is connected at once", {
        to: session.clientId,
        publication: copy.publication,
      });
      if (mayWait) copy.mayBeLost ??= "QoS 0 that had to wait";
      else forget(session, copy);
      if (copy.share !== null) copy.share.mayBeLost = true;
    }
    this.#fresh.length = 0;
  }

  /** [v5-3.8.3-3]: overlapping subscriptions give one copy, without those with No Local. */
  #heardBy(session: Session, own: readonly Subscription[], publication: Publication): Copy | null {
    const isOwn = session.clientId === publication.publisher;
    const heard = isOwn ? own.filter(({ noLocal }) => !noLocal) : own;
    return heard.length === 0 ? null : copyOf(publication, heard, null);
  }

  #offer(session: Session, copy: Copy): void {
    const { connection } = session;
    const { limits } = this.#books;
    if (connection === null && copy.qos === 0 && !limits.queueQos0) {
      if (copy.share !== null) copy.share.mayBeLost = true;
      return;
    }
    if (connection === null && copy.qos === 0) copy.mayBeLost = "QoS 0, away";
    if (copy.qos === 0 && this.#books.shortage.isLimited) copy.mayBeLost = "QoS 0, little memory";
    if (isPerhapsUnfit(connection, copy.publication)) copy.mayBeLost = "too large";
    // Without a payload the message looks like an earlier lost one.
    if (copy.publication.key < 0) copy.mayBeLost ??= "alike";
    // The referee cannot tell how much of the backlog has left.
    const isNarrow = limits.queuedMessages < 100 || limits.queuedBytes < 100_000;
    if (session.hasLikes && isNarrow) copy.mayBeLost = "queue full";
    if (session.waiting >= limits.queuedMessages) copy.mayBeLost = "queue full";
    else if (limits.queuedBytes < 100_000 && this.#fills(session, copy)) {
      copy.mayBeLost = "queue full";
    }
    if (copy.share !== null && copy.mayBeLost !== null) copy.share.mayBeLost = true;
    // An UNSUBSCRIBE in the same call may end the replay that it waits behind.
    const isReplaying = this.#books.isCut && session.replays.some(({ isOver }) => !isOver);
    const isBehind = session.queues[0].length > 0 || isReplaying;
    if (copy.share === null) session.queues[copy.qos].push(copy);
    else session.shared.push(copy);
    if (connection === null) return;
    const isStored = this.#books.store !== null;
    const isClogged = isStored ? connection.isBehind : connection.link.clogged;
    this.#fresh.push({ copy, session, connection, isClogged, isBehind });
  }

  #fills(session: Session, { publication }: Copy): boolean {
    const bytes = publication.topic.length + publication.payloadBytes + publication.propertyBytes;
    return session.waitingBytes + bytes > this.#books.limits.queuedBytes;
  }
}

/** Earlier QoS 0 waits, or retained messages for which the window or the turn has no room. */
function isHeldUp(session: Session, connection: Connection, copy: Copy, isCut: boolean): boolean {
  const [first] = session.queues[0];
  if (first !== undefined && first !== copy) return true;
  if (!session.replays.some(({ isOver }) => !isOver)) return false;
  return isCut || session.inflight.size >= connection.window;
}

/** Its client is behind another mount point now than when it subscribed. */
function isOutOfSight({ connection }: Session, { topic }: Publication): boolean {
  return connection !== null && !isInSight(connection.mountPoint, topic);
}

/** It may be too large for a connection, or outside the mount point of its listener. */
export function isPerhapsUnfit(
  connection: Connection | null,
  { topic, payloadBytes, propertyBytes }: Publication,
): boolean {
  if (connection === null) return false;
  const { maximumPacketSize, mountPoint } = connection;
  if (!isInSight(mountPoint, topic)) return true;
  return topic.length + payloadBytes + propertyBytes + overhead > maximumPacketSize;
}

export function forget(session: Session, copy: Copy): void {
  if (copy.share !== null) {
    session.shared = session.shared.filter((other) => other !== copy);
    return;
  }
  const queue = session.queues[copy.qos];
  const place = queue.indexOf(copy);
  if (place >= 0) queue.splice(place, 1);
}

export function copyOf(
  publication: Publication,
  own: readonly Subscription[],
  share: Share | null,
): Copy {
  let granted: Qos = 0;
  let retainAsPublished = false;
  const identifiers: number[] = [];
  for (const subscription of own) {
    if (subscription.qos > granted) granted = subscription.qos;
    if (subscription.retainAsPublished) retainAsPublished = true;
    if (subscription.identifier > 0) identifiers.push(subscription.identifier);
  }
  return newCopy(
    publication,
    publication.qos < granted ? publication.qos : granted,
    publication.retain && retainAsPublished,
    identifiers,
    share,
  );
}

export function newCopy(
  publication: Publication,
  qos: Qos,
  retain: boolean,
  identifiers: readonly number[],
  share: Share | null,
): Copy {
  return {
    publication,
    qos,
    retain,
    identifiers,
    alike: [],
    mayBeLost: null,
    share,
    sent: false,
    passedBy: false,
    packetId: 0,
    released: false,
    isAgain: false,
  };
}
