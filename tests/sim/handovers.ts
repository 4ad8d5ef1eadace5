import { demand, type Books } from "./books.ts";
import type { SentPublish } from "./delivery.ts";
import { copyOf, type Offers } from "./offers.ts";
import { isReadable } from "./topics.ts";
import { anything, type Copy, type Session, type Share, type Subscription } from "./session.ts";

interface Member {
  readonly session: Session;
  /** Which of its memberships of the share. */
  readonly since: number;
}

/** A message that a session left when it ended. */
interface Left {
  readonly share: Share;
  /** The members at that time; null: the referee cannot tell that it must arrive. */
  others: readonly Member[] | null;
}

/**
 * The messages that an ended session leaves to the other members of its shared subscriptions
 * (v5-4.8.2): unacknowledged QoS 1 and unsent messages. No member gets anything else of it
 * [v5-4.8.2-5] [v5-4.8.2-6].
 */
export class Handovers {
  readonly #books: Books;
  readonly #offers: Offers;
  #left: Left[] = [];
  /** Counts the joins of shares. */
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

  /** A session stays without its connection: it loses QoS 0 without a report. */
  away(session: Session): void {
    for (const [name, own] of session.shares) if (own.some(isQos0)) this.#doubt(name);
  }

  /** A session resumes; behind another mount point it sees none of its waiting messages. */
  resumed(session: Session, mountPoint: string): void {
    const own = [...session.shares.values()].flat();
    if (own.some(({ mounted }) => mounted !== mountPoint.length)) this.dropping(session);
  }

  /** The broker reports a session's first loss, and not the others. */
  dropping(session: Session): void {
    session.isLossy = true;
    for (const name of session.shares.keys()) this.#doubt(name);
  }

  #doubt(name: string): void {
    for (const left of this.#left) if (left.share.filter === name) left.others = null;
  }

  /** The books no longer have the session. */
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
      if (share !== null) this.#blur(share);
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

  /** Another member may get a left message by a subscription that it made after the publication. */
  #blur(share: Share): void {
    for (const { shared } of this.#books.sessions.values()) {
      for (const copy of shared) if (copy.share === share) copy.alike = [anything];
    }
  }

  /** The source of a PUBLISH that nothing else explains: one that must arrive, before others. */
  taken(session: Session, packet: SentPublish, now: number): Copy | null {
    const found = this.#left.flatMap(({ share, others }) => {
      const copy = share.sent ? null : copyFor(session, share, packet, now);
      return copy === null ? [] : [{ share, copy, isSure: others !== null }];
    });
    const source = found.find(({ isSure }) => isSure) ?? found[0];
    if (source === undefined) return null;
    const { share, copy } = source;
    if (packet.retain) share.mayBeLost = true;
    else if (!share.isAlike) share.sent = true;
    // By another share it would come with that one's identifiers.
    const others = found.filter((one) => one.share.filter !== share.filter);
    copy.alike = [...copy.alike, ...others.map((one) => one.copy.identifiers)];
    return copy;
  }

  /** Whether a PUBLISH can be a left message, whatever else it can be. */
  mayTake(session: Session, packet: SentPublish, now: number): boolean {
    return this.#left.some(
      ({ share }) => !share.sent && copyFor(session, share, packet, now) !== null,
    );
  }

  /** Every left message has arrived, where the referee can tell that it had to. */
  expectTaken(now: number): void {
    const away = [...this.#books.sessions.values()].filter(({ connection }) => connection === null);
    for (const { share, others } of this.#left) {
      const { filter, publication, sent } = share;
      // A message like it may have been published since, even to a session that has only a copy of
      // it.
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

  /** The broker was killed: what it was about to hand over may be lost, or be in another's queue. */
  restored(): void {
    this.#left = this.#left.map(({ share }) => ({
      share: { ...share, sent: false, mayBeLost: true },
      others: null,
    }));
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
      const [own] = session.shares.get(filter) ?? [];
      const isOther = since !== undefined && isReadable(own?.reader ?? null, publication.topic);
      return isOther ? [{ session, since }] : [];
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

/** The copy that a session gets by one of its present or past subscriptions to a share. */
function copyFor(session: Session, share: Share, packet: SentPublish, now: number): Copy | null {
  const { publication } = share;
  const { key, topic, expiresAt } = publication;
  if (key !== packet.key || topic !== packet.topic || expiresAt <= now) return null;
  const copies = (session.shares.get(share.filter) ?? [])
    .filter(({ reader }) => isReadable(reader, topic))
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
