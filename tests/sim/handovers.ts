import { demand, type Books } from "./books.ts";
import type { SentPublish } from "./delivery.ts";
import { copyOf, type Offers } from "./offers.ts";
import { anything, type Copy, type Session, type Share, type Subscription } from "./session.ts";

interface Member {
  readonly session: Session;
  /** Which of its times in the share. */
  readonly since: number;
}

/** A message that a session left when it ended. */
interface Left {
  readonly share: Share;
  /** Members there were then; null: it can't be told that it is to arrive. */
  others: readonly Member[] | null;
}

/**
 * What a session that ends leaves to the other members of its shared subscriptions (v5-4.8.2): QoS 1
 * that it did not acknowledge, and what it was not sent yet. Nobody gets anything else of it
 * [v5-4.8.2-5] [v5-4.8.2-6].
 */
export class Handovers {
  readonly #books: Books;
  readonly #offers: Offers;
  #left: Left[] = [];
  /** Counts the times that somebody joined a share. */
  #joined = 0;

  constructor(books: Books, offers: Offers) {
    this.#books = books;
    this.#offers = offers;
  }

  subscribed(session: Session, subscription: Subscription): void {
    const name = nameOf(subscription);
    if (name === null) return;
    const own = session.shares.get(name);
    if (own === undefined) session.shares.set(name, [subscription]);
    else own.push(subscription);
    if (!session.memberSince.has(name)) session.memberSince.set(name, this.#joined++);
  }

  unsubscribed(session: Session, subscription: Subscription): void {
    session.memberSince.delete(nameOf(subscription) ?? "");
  }

  /** A session stays without its connection: it loses QoS 0 without a word. */
  away(session: Session): void {
    for (const [name, own] of session.shares) if (own.some(isQos0)) this.#doubt(name);
  }

  /** A session goes on; behind another mount point nothing of what waits for it is in sight. */
  resumed(session: Session, mountPoint: string): void {
    const own = [...session.shares.values()].flat();
    if (own.some(({ mounted }) => mounted !== mountPoint.length)) this.dropping(session);
  }

  /** The first loss of a session is told, and others are not. */
  dropping(session: Session): void {
    session.isLossy = true;
    for (const name of session.shares.keys()) this.#doubt(name);
  }

  #doubt(name: string): void {
    for (const left of this.#left) if (left.share.filter === name) left.others = null;
  }

  /** The session is in the books no more. */
  ended(session: Session): void {
    if (this.#books.stopping || session.shares.size === 0) return;
    for (const {
      publication,
      qos,
      share,
      alike,
      isAgain,
      mayBeLost,
    } of session.inflight.values()) {
      if (qos !== 1) continue;
      const isSure = alike.length === 0 && !(isAgain && mayBeLost !== null);
      if (share !== null && isSure) this.#leave({ ...share, sent: false, mayBeLost: false });
      if (isSure) continue;
      for (const each of this.#offers.sharesOf(publication.key)) {
        this.#leave({ ...each, sent: false, mayBeLost: true });
      }
    }
    for (const { share } of session.shared) {
      if (share === null || share.sent) continue;
      this.#leave(share);
      share.mayBeLost = true;
      this.#blur(share);
    }
  }

  /** What another member gets of it may come by what it subscribed to since it was published. */
  #blur(share: Share): void {
    for (const { shared } of this.#books.sessions.values()) {
      for (const copy of shared) if (copy.share === share) copy.alike = [anything];
    }
  }

  /** What a PUBLISH is of which nothing else is the cause. */
  taken(session: Session, packet: SentPublish, now: number): Copy | null {
    for (const { share } of this.#left) {
      if (share.sent) continue;
      const copy = copyFor(session, share, packet, now);
      if (copy === null) continue;
      if (packet.retain) share.mayBeLost = true;
      else if (!share.isAlike) share.sent = true;
      return copy;
    }
    return null;
  }

  /** Whether a PUBLISH can be something that was left, whatever else it can be. */
  mayTake(session: Session, packet: SentPublish, now: number): boolean {
    return this.#left.some(
      ({ share }) => !share.sent && copyFor(session, share, packet, now) !== null,
    );
  }

  /** Everything that was left has arrived, where it can be told that it had to. */
  expectTaken(now: number): void {
    const away = [...this.#books.sessions.values()].filter(({ connection }) => connection === null);
    for (const { share, others } of this.#left) {
      const { filter, publication, sent } = share;
      // One that is like it can have been published since, also to where there is only a copy of it.
      const isAlike = this.#offers.sharesOf(publication.key).length > 1;
      const isOver = sent || isAlike || publication.expiresAt <= now || others === null;
      if (isOver || away.some(({ shares }) => shares.has(filter))) continue;
      const stays = others.find(
        ({ session, since }) => !session.isOver && session.memberSince.get(filter) === since,
      );
      demand(stays === undefined, "what a member of a share leaves goes to another", {
        publication,
        filter,
        stays: stays?.session.clientId,
      });
    }
  }

  clear(): void {
    this.#left = [];
  }

  #leave(share: Share): void {
    const { filter, publication, mayBeLost } = share;
    const { limits, limitsChangedAt } = this.#books;
    const sessions = [...this.#books.sessions.values()].filter(({ shares }) => shares.has(filter));
    const isSure =
      !mayBeLost &&
      // With Retain As Published it looks like a retained message.
      !publication.retain &&
      limitsChangedAt < 0 &&
      limits.qos > 0 &&
      !sessions.some((session) => loses(session, filter));
    const others = sessions.flatMap((session) => {
      const since = session.memberSince.get(filter);
      return since === undefined ? [] : [{ session, since }];
    });
    this.#left.push({ share, others: isSure ? others : null });
    if (this.#left.length > 2000) this.#left = this.#left.filter(({ share: one }) => !one.sent);
  }
}

function loses({ connection, isLossy, shares }: Session, filter: string): boolean {
  return isLossy || (connection === null && (shares.get(filter) ?? []).some(isQos0));
}

function isQos0({ qos }: Subscription): boolean {
  return qos === 0;
}

/** The copy that a session gets by one of the subscriptions that it has, or had, to a share. */
function copyFor(session: Session, share: Share, packet: SentPublish, now: number): Copy | null {
  const { publication } = share;
  const { key, topic, expiresAt } = publication;
  if (key !== packet.key || topic !== packet.topic || expiresAt <= now) return null;
  const copies = (session.shares.get(share.filter) ?? [])
    .map((subscription) => copyOf(publication, [subscription], share))
    .filter(({ qos, retain }) => qos === packet.qos && retain === packet.retain);
  const [copy, ...others] = copies;
  if (copy === undefined) return null;
  copy.alike = others.map(({ identifiers }) => identifiers);
  return copy;
}

function nameOf({ group, pattern }: Subscription): string | null {
  return group === null ? null : `${group}/${pattern}`;
}
