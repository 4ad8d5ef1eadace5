import { merge } from "./match.ts";
import type { Session } from "./session.ts";
import type { Group, Member, Subscription } from "./subscriptions.ts";
import { isHidden } from "./topic.ts";

/** A set of levels with `+`. */
export interface Shape {
  /** Their indices in a pattern. */
  readonly levels: string;
  /** How many patterns have it. */
  patterns: number;
}

/** Bytes of memory of each, with all that belongs to it but texts. */
const subscribersBytes = 80;
const mapBytes = 180;
const subscriptionBytes = 260;
const furtherBytes = 100;
const groupBytes = 850;
const memberBytes = 330;

/**
 * All subscriptions with one pattern. Most patterns have one subscription, so maps are created for
 * further ones only.
 */
export class Subscribers {
  readonly pattern: string;
  /** Serial number, never used again. */
  readonly id: number;
  /** Counted by `limits.filterShapes`; null: not counted. */
  readonly shape: Shape | null;
  #only: Subscription | null = null;
  #more: Map<Session, Subscription> | null = null;
  /** By `keyOf`. */
  #groups: Map<string, Group> | null = null;
  #groupBytes = 0;
  /** Lengths of mount points other than 0. */
  #mounts: Set<number> | null = null;

  constructor(pattern: string, id: number, shape: Shape | null) {
    this.pattern = pattern;
    this.id = id;
    this.shape = shape;
  }

  get isEmpty(): boolean {
    return this.size === 0;
  }

  /** Ordinary subscriptions and groups. */
  get size(): number {
    const single = this.#only === null ? 0 : 1;
    return single + (this.#more?.size ?? 0) + (this.#groups?.size ?? 0);
  }

  /** Bytes of memory, without texts. */
  get held(): number {
    const single = this.#only === null ? 0 : subscriptionBytes;
    const { size } = this.#more ?? noSubscriptions;
    const more = size === 0 ? 0 : mapBytes + size * (subscriptionBytes + furtherBytes);
    return subscribersBytes + single + more + this.#groupBytes;
  }

  /** Returns the one of the same session and group that it replaced; null: there was none. */
  add(subscription: Subscription): Subscription | null {
    const { session, mountLength, group } = subscription;
    if (mountLength > 0) (this.#mounts ??= new Set()).add(mountLength);
    if (group !== null) return this.#join(subscription, keyOf(group, mountLength), group);
    if (this.#more === null) {
      const only = this.#only;
      if (only === null || only.session === session) {
        this.#only = subscription;
        return only;
      }
      this.#more = new Map([[only.session, only]]);
      this.#only = null;
    }
    const before = this.#more.get(session) ?? null;
    this.#more.set(session, subscription);
    return before;
  }

  #join(subscription: Subscription, key: string, name: string): Subscription | null {
    this.#groups ??= new Map();
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { name, members: [], bySession: new Map(), turn: 0 };
      this.#groups.set(key, group);
      this.#groupBytes += groupBytes;
    }
    const { session } = subscription;
    const member: Member = { ...merge(session, [subscription]), shared: subscription };
    const before = group.bySession.get(session);
    group.bySession.set(session, member);
    if (before !== undefined) {
      group.members[group.members.indexOf(before)] = member;
      return before.shared;
    }
    group.members.push(member);
    this.#groupBytes += memberBytes;
    return null;
  }

  /** Returns the one of that session and group, which it removed; null: there was none. */
  remove({ session, mountLength, group }: Subscription): Subscription | null {
    if (group !== null) return this.#leave(session, keyOf(group, mountLength));
    if (this.#more === null) {
      const only = this.#only;
      if (only?.session !== session) return null;
      this.#only = null;
      return only;
    }
    const removed = this.#more.get(session) ?? null;
    this.#more.delete(session);
    if (this.#more.size === 0) this.#more = null;
    return removed;
  }

  #leave(session: Session, key: string): Subscription | null {
    const group = this.#groups?.get(key);
    const member = group?.bySession.get(session);
    if (group === undefined || member === undefined) return null;
    const place = group.members.indexOf(member);
    group.members.splice(place, 1);
    group.bySession.delete(session);
    if (place < group.turn) group.turn -= 1;
    this.#groupBytes -= memberBytes;
    if (group.members.length === 0) {
      this.#groups?.delete(key);
      this.#groupBytes -= groupBytes;
    }
    if (this.#groups?.size === 0) this.#groups = null;
    return member.shared;
  }

  groupOf(group: string, mountLength: number): Group | null {
    return this.#groups?.get(keyOf(group, mountLength)) ?? null;
  }

  /** Whether the topic is hidden from some of them: the mount point is no part of their topics. */
  hidesSome(topic: string): boolean {
    if (this.#mounts === null) return false;
    for (const length of this.#mounts) if (isHidden(this.pattern, topic, length)) return true;
    return false;
  }

  /** Adds those to the lists from which the topic is not hidden, and whose sessions have not left. */
  collect(topic: string, found: Subscription[], groups: Group[]): void {
    const hidesSome = this.hidesSome(topic);
    const isOpen = ({ session, pattern, mountLength }: Subscription): boolean =>
      !session.hasLeft &&
      (!hidesSome || mountLength === 0 || !isHidden(pattern, topic, mountLength));
    if (this.#only !== null && isOpen(this.#only)) found.push(this.#only);
    if (this.#more !== null) {
      for (const subscription of this.#more.values()) {
        if (isOpen(subscription)) found.push(subscription);
      }
    }
    if (this.#groups === null) return;
    for (const group of this.#groups.values()) {
      if (group.members.some(({ shared }) => isOpen(shared))) groups.push(group);
    }
  }
}

const noSubscriptions = { size: 0 };

/** Unique, because a group's name has no slash. */
function keyOf(group: string, mountLength: number): string {
  return `${mountLength}/${group}`;
}
