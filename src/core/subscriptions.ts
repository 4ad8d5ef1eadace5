import type { Recipient } from "./copy.ts";
import type { Qos } from "./packet.ts";
import type { Session } from "./session.ts";
import { isHidden, isReserved } from "./topic.ts";

/** One filter of one session with its options (v5 section 3.8.3.1). */
export interface Subscription {
  readonly session: Session;
  /** As the client sent it: with `$share/group/`, without its mount point. */
  readonly filter: string;
  /** The filter to match: without `$share/group/`, with the mount point. */
  readonly pattern: string;
  /** Length of the mount point in `pattern`. */
  readonly mountLength: number;
  /** The group of a shared subscription; null: an ordinary one. */
  readonly group: string | null;
  readonly qos: Qos;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
  /** 0: none. */
  readonly identifier: number;
}

/** One session's membership in a shared subscription. */
export type Member = Recipient & { readonly shared: Subscription };

/** The members of a shared subscription. Different mount points have different groups. */
export interface Group {
  readonly name: string;
  readonly members: Member[];
  /** Index of the member whose turn it is. */
  turn: number;
}

export interface Match {
  /** Each matching session once. */
  readonly recipients: readonly Recipient[];
  /** By publisher, what it gets itself under No Local; null: nothing. Often empty. */
  readonly withoutLocal: ReadonlyMap<Session, Recipient | null>;
  readonly groups: readonly Group[];
}

interface Level {
  readonly children: Map<string, Level>;
  /** Subscriptions that end at this level. */
  readonly plain: Map<Session, Subscription>;
  /** By `keyOf`. */
  readonly groups: Map<string, Group>;
}

/** All filters of all sessions, as a tree of levels. */
export class Subscriptions {
  #root: Level = newLevel();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Adds a subscription, or replaces the one of the same session, pattern and group [v4-3.8.4-3]
   * [v5-3.8.4-3].
   */
  add(subscription: Subscription): void {
    let level = this.#root;
    for (const name of subscription.pattern.split("/")) {
      let next = level.children.get(name);
      if (next === undefined) {
        next = newLevel();
        level.children.set(name, next);
      }
      level = next;
    }
    if (subscription.group === null) {
      if (!level.plain.has(subscription.session)) this.#size += 1;
      level.plain.set(subscription.session, subscription);
      return;
    }
    const key = keyOf(subscription.group, subscription.mountLength);
    let group = level.groups.get(key);
    if (group === undefined) {
      group = { name: subscription.group, members: [], turn: 0 };
      level.groups.set(key, group);
    }
    const member = { ...merge(subscription.session, [subscription]), shared: subscription };
    const place = group.members.findIndex(({ session }) => session === subscription.session);
    if (place >= 0) {
      group.members[place] = member;
      return;
    }
    group.members.push(member);
    this.#size += 1;
  }

  remove(subscription: Subscription): void {
    const names = subscription.pattern.split("/");
    const path: Level[] = [this.#root];
    for (const name of names) {
      const next = path[path.length - 1]!.children.get(name);
      if (next === undefined) return;
      path.push(next);
    }
    const level = path[path.length - 1]!;
    if (subscription.group === null) {
      if (level.plain.delete(subscription.session)) this.#size -= 1;
    } else {
      this.#leave(level, keyOf(subscription.group, subscription.mountLength), subscription.session);
    }
    for (let depth = names.length; depth > 0 && isEmpty(path[depth]!); depth--) {
      path[depth - 1]!.children.delete(names[depth - 1]!);
    }
  }

  #leave(level: Level, key: string, session: Session): void {
    const group = level.groups.get(key);
    const place = group?.members.findIndex((member) => member.session === session) ?? -1;
    if (group === undefined || place < 0) return;
    group.members.splice(place, 1);
    this.#size -= 1;
    if (place < group.turn) group.turn -= 1;
    if (group.members.length === 0) level.groups.delete(key);
  }

  /** The group of a shared subscription, even one since removed; null: the group has no members. */
  groupOf({ pattern, group, mountLength }: Subscription): Group | null {
    let level: Level | undefined = this.#root;
    for (const name of pattern.split("/")) {
      level = level.children.get(name);
      if (level === undefined) return null;
    }
    return group === null ? null : (level.groups.get(keyOf(group, mountLength)) ?? null);
  }

  /**
   * All recipients of a message on `topic` [v4-3.3.2-3] [v5-3.3.2-3]; names are compared as they
   * are [v4-4.7.3-4] [v5-4.7.3-4]. `showsDollar`: a quirk, wildcards match topics with `$`.
   */
  match(topic: string, showsDollar = false): Match {
    const found: Subscription[] = [];
    const groups: Group[] = [];
    const names = topic.split("/");
    // A wildcard on the first level does not match topics that begin with `$`
    // [v4-4.7.2-1] [v5-4.7.2-1].
    descend(this.#root, names, 0, isReserved(topic) && !showsDollar, found, groups);
    // With a mount point, the client's first level is a later one; the mount point is no topic.
    const isOpen = ({ pattern, mountLength }: Subscription): boolean =>
      mountLength === 0 || !isHidden(pattern, topic, mountLength);
    return gather(
      found.filter(isOpen),
      groups.filter(({ members }) => members.some(({ shared }) => isOpen(shared))),
    );
  }
}

function descend(
  level: Level,
  names: readonly string[],
  depth: number,
  reserved: boolean,
  found: Subscription[],
  groups: Group[],
): void {
  const wild = !(reserved && depth === 0);
  if (wild) {
    // `#` matches its parent level too (section 4.7.1.2).
    const rest = level.children.get("#");
    if (rest !== undefined) collect(rest, found, groups);
  }
  if (depth === names.length) {
    collect(level, found, groups);
    return;
  }
  const exact = level.children.get(names[depth]!);
  if (exact !== undefined) descend(exact, names, depth + 1, reserved, found, groups);
  const any = wild ? level.children.get("+") : undefined;
  if (any !== undefined) descend(any, names, depth + 1, reserved, found, groups);
}

function collect(level: Level, found: Subscription[], groups: Group[]): void {
  for (const subscription of level.plain.values()) found.push(subscription);
  for (const group of level.groups.values()) groups.push(group);
}

/** Each session once, and what it gets of its own messages under No Local [v5-3.8.3-3]. */
function gather(found: readonly Subscription[], groups: readonly Group[]): Match {
  const bySession = new Map<Session, Subscription[]>();
  for (const subscription of found) {
    const own = bySession.get(subscription.session);
    if (own === undefined) bySession.set(subscription.session, [subscription]);
    else own.push(subscription);
  }
  const recipients: Recipient[] = [];
  const withoutLocal = new Map<Session, Recipient | null>();
  for (const [session, own] of bySession) {
    recipients.push(merge(session, own));
    if (own.some((subscription) => subscription.noLocal)) {
      const rest = own.filter((subscription) => !subscription.noLocal);
      withoutLocal.set(session, rest.length === 0 ? null : merge(session, rest));
    }
  }
  return { recipients, withoutLocal, groups };
}

/**
 * One copy for overlapping subscriptions: the highest QoS, all identifiers [v4-3.3.5-1]
 * [v5-3.3.4-2] to -4.
 */
function merge(session: Session, own: readonly Subscription[]): Recipient {
  let qos: Qos = 0;
  let retainAsPublished = false;
  const identifiers: number[] = [];
  for (const subscription of own) {
    if (subscription.qos > qos) qos = subscription.qos;
    if (subscription.retainAsPublished) retainAsPublished = true;
    if (subscription.identifier !== 0) identifiers.push(subscription.identifier);
  }
  return {
    session,
    qos,
    retainAsPublished,
    identifiers: identifiers.length === 0 ? null : identifiers,
    shared: null,
    lastCopy: null,
  };
}

/** Unique, because a group's name has no slash. */
function keyOf(group: string, mountLength: number): string {
  return `${mountLength}/${group}`;
}

function newLevel(): Level {
  return { children: new Map(), plain: new Map(), groups: new Map() };
}

function isEmpty(level: Level): boolean {
  return level.children.size === 0 && level.plain.size === 0 && level.groups.size === 0;
}
