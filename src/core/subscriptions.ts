import type { Recipient } from "./copy.ts";
import { levelAt, LevelTree, type Place } from "./level-tree.ts";
import { matchOf, type Match } from "./match.ts";
import { costs, Memory, textBytes } from "./memory.ts";
import type { Qos } from "./packet.ts";
import type { Session } from "./session.ts";
import { Subscribers, type Shape } from "./subscribers.ts";
import { isReserved } from "./topic.ts";

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
  readonly bySession: Map<Session, Member>;
  /** Index of the member whose turn it is. */
  turn: number;
}

/** Recipients and groups of all remembered matches together, 0.15 kB each. */
const rememberedRecipients = 100_000;
/** A match with fewer of them is not remembered, as it costs less to make again. */
const rememberedFrom = 8;
/** A match of more patterns is not remembered: its key would be long. */
const rememberedPatterns = 16;

/**
 * All filters of all sessions. Those without wildcards match by one look into a map. The others are
 * a tree of levels, which a match walks down along the exact level and along `+`. At each level of
 * the topic it stands on at most as many places as there are different sets of levels with `+`
 * (shapes), because it reaches each by one of them. `limits.filterShapes` bounds their number, and
 * so the steps of a match: by the shapes times the levels of the topic.
 */
export class Subscriptions {
  readonly #exact = new Map<string, Subscribers>();
  readonly #wild = new LevelTree<Subscribers>();
  /** By their levels. */
  readonly #shapes = new Map<string, Shape>();
  /** By the ids of the patterns that match. Valid until the next change. */
  readonly #matches = new Map<string, Match>();
  readonly #remembered = new Set<Match>();
  #rememberedRecipients = 0;
  #size = 0;
  #serial = 0;
  /** Bytes of memory of `Subscribers` and their texts. */
  #held = 0;
  readonly #memory: Memory;

  constructor(memory: Memory = new Memory()) {
    this.#memory = memory;
  }

  /** Counts the work of all matches: places visited, and subscriptions merged to recipients. */
  steps = 0;

  /** Also those of sessions that have left, as long as they are not removed. */
  get size(): number {
    return this.#size;
  }

  /** Bytes of memory, also of the subscriptions and their texts. */
  get held(): number {
    return this.#held + this.#exact.size * exactBytes + this.#wild.held;
  }

  /** Whether a filter is within the limit of shapes; most filters are not counted. */
  hasRoomFor(pattern: string, mountLength: number, filterShapes: number): boolean {
    const levels = countedShape(pattern, mountLength);
    return levels === null || this.#shapes.size < filterShapes || this.#shapes.has(levels);
  }

  /**
   * Adds a subscription, or replaces the one of the same session, pattern and group [v4-3.8.4-3]
   * [v5-3.8.4-3].
   */
  add(subscription: Subscription): void {
    this.forgetMatches();
    const { pattern } = subscription;
    let subscribers = this.#of(pattern);
    let before = 0;
    if (subscribers === undefined) subscribers = this.#create(subscription);
    else before = subscribers.held;
    const replaced = subscribers.add(subscription);
    if (replaced === null) this.#size += 1;
    this.#held += subscribers.held - before + textsOf(subscription) - textsOf(replaced);
    this.#memory.subscriptions.set(this.held);
  }

  /** All subscriptions of a session end: no match finds them, though each is still to be removed. */
  leave(session: Session): void {
    this.forgetMatches();
    session.hasLeft = true;
  }

  remove(subscription: Subscription): void {
    const { pattern } = subscription;
    const subscribers = this.#of(pattern);
    if (subscribers === undefined) return;
    const before = subscribers.held;
    const removed = subscribers.remove(subscription);
    if (removed === null) return;
    this.forgetMatches();
    this.#size -= 1;
    const { isEmpty, held } = subscribers;
    this.#held += (isEmpty ? 0 : held) - before - textsOf(removed);
    if (isEmpty) this.#discard(subscribers);
    this.#memory.subscriptions.set(this.held);
  }

  /** The group of a shared subscription, even one since removed; null: the group has no members. */
  groupOf({ pattern, group, mountLength }: Subscription): Group | null {
    return group === null ? null : (this.#of(pattern)?.groupOf(group, mountLength) ?? null);
  }

  /**
   * All recipients of a message on `topic` [v4-3.3.2-3] [v5-3.3.2-3]; names are compared as they
   * are [v4-4.7.3-4] [v5-4.7.3-4]. `showsDollar`: a quirk, wildcards match topics with `$`.
   */
  match(topic: string, showsDollar = false): Match {
    const patterns = this.#patternsFor(topic, showsDollar);
    if (!isWorthRemembering(patterns, topic)) return this.#merge(topic, patterns);
    const key = patterns.map(({ id }) => id).join();
    const known = this.#matches.get(key);
    if (known !== undefined) return known;
    const match = this.#merge(topic, patterns);
    const size = match.recipients.length + match.groups.length;
    if (this.#rememberedRecipients + size > rememberedRecipients) this.forgetMatches();
    this.#rememberedRecipients += size;
    this.#memory.routes.take(costs.match + size * costs.recipient);
    this.#matches.set(key, match);
    this.#remembered.add(match);
    return match;
  }

  /** Whether a match is remembered, and counted: other topics may share it. */
  remembers(match: Match): boolean {
    return this.#remembered.has(match);
  }

  /** Forgets the remembered matches, which are made again as they are needed. */
  forgetMatches(): void {
    const { size } = this.#matches;
    if (size === 0) return;
    this.#memory.routes.give(size * costs.match + this.#rememberedRecipients * costs.recipient);
    this.#matches.clear();
    this.#remembered.clear();
    this.#rememberedRecipients = 0;
  }

  #merge(topic: string, patterns: readonly Subscribers[]): Match {
    const found: Subscription[] = [];
    const groups: Group[] = [];
    for (const subscribers of patterns) subscribers.collect(topic, found, groups);
    this.steps += found.length + groups.length;
    return matchOf(found, groups);
  }

  /**
   * The patterns that match, in a fixed order: at each level `#`, then the topic's own level, then
   * `+`.
   */
  #patternsFor(topic: string, showsDollar: boolean): Subscribers[] {
    const found: Subscribers[] = [];
    let exact = this.#exact.get(topic);
    const add = (one: Subscribers | null | undefined): void => {
      if (one === null || one === undefined) return;
      // By the order above the topic itself stands before all patterns with a `+`.
      if (exact !== undefined && one.pattern.includes("+")) {
        found.push(exact);
        exact = undefined;
      }
      found.push(one);
    };
    // A wildcard on the first level does not match topics that begin with `$`
    // [v4-4.7.2-1] [v5-4.7.2-1].
    const isWildAtRoot = !isReserved(topic) || showsDollar;
    const { root } = this.#wild;
    const waiting: Standing[] = [{ place: root, start: 0 }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.steps += 1;
      const { place, start } = next;
      const isWild = place !== root || isWildAtRoot;
      const rest = isWild ? place.children?.get("#") : undefined;
      // `#` matches its parent level too (section 4.7.1.2).
      add(rest?.value);
      if (start > topic.length) {
        add(place.value);
        continue;
      }
      const any = isWild ? place.children?.get("+") : undefined;
      if (any !== undefined) push(waiting, place, any, topic, start);
      const own = place.children?.get(levelAt(topic, start));
      // The broker's own topics may have levels with wildcards.
      if (own !== undefined && own !== any && own !== rest) push(waiting, place, own, topic, start);
    }
    if (exact !== undefined) found.push(exact);
    return found;
  }

  #of(pattern: string): Subscribers | undefined {
    return isWild(pattern) ? (this.#wild.get(pattern) ?? undefined) : this.#exact.get(pattern);
  }

  #create({ pattern, mountLength }: Subscription): Subscribers {
    const shape = this.#shapeOf(countedShape(pattern, mountLength));
    const subscribers = new Subscribers(pattern, ++this.#serial, shape);
    if (isWild(pattern)) this.#wild.set(pattern, subscribers);
    else this.#exact.set(pattern, subscribers);
    return subscribers;
  }

  /** One object for all patterns, as the text can be longer than these. */
  #shapeOf(levels: string | null): Shape | null {
    if (levels === null) return null;
    let shape = this.#shapes.get(levels);
    if (shape === undefined) {
      shape = { levels, patterns: 0 };
      this.#shapes.set(levels, shape);
    }
    shape.patterns += 1;
    return shape;
  }

  #discard({ pattern, shape }: Subscribers): void {
    if (isWild(pattern)) this.#wild.delete(pattern);
    else this.#exact.delete(pattern);
    if (shape === null) return;
    shape.patterns -= 1;
    if (shape.patterns === 0) this.#shapes.delete(shape.levels);
  }
}

/** Bytes of memory of an entry in the map of patterns without wildcards. */
const exactBytes = 80;

/** Bytes of both texts: without a mount point they are one. */
function textsOf(subscription: Subscription | null): number {
  if (subscription === null) return 0;
  const { filter, pattern, mountLength } = subscription;
  return textBytes(filter) + (mountLength > 0 ? textBytes(pattern) : 0);
}

function isWorthRemembering(patterns: readonly Subscribers[], topic: string): boolean {
  if (patterns.length > rememberedPatterns) return false;
  let size = 0;
  for (const subscribers of patterns) {
    // Whether they are hidden depends on the topic, not only on the patterns.
    if (subscribers.hidesSome(topic)) return false;
    size += subscribers.size;
  }
  return size >= rememberedFrom;
}

/** A place that a topic reaches, and where the topic's next level starts; past its end: none. */
interface Standing {
  readonly place: Place<Subscribers>;
  readonly start: number;
}

/** Goes on at a child if its levels match. */
function push(
  waiting: Standing[],
  parent: Place<Subscribers>,
  child: Place<Subscribers>,
  topic: string,
  start: number,
): void {
  const next = follow(child.path, parent.below, topic, start);
  if (next >= 0) waiting.push({ place: child, start: next });
}

const plus = 0x2b;
const hash = 0x23;
const slash = 0x2f;

/**
 * Matches the levels of a pattern from an index against those of a topic. Returns where the topic's
 * next level starts, behind its end if none does; -1: they don't match.
 */
function follow(pattern: string, from: number, topic: string, start: number): number {
  let place = start;
  for (let index = from; index < pattern.length; index++) {
    const code = pattern.charCodeAt(index);
    // In valid filters a wildcard is a whole level, but a mount point need not end with a slash.
    const isWildcard =
      (code === plus || code === hash) &&
      (index === from || pattern.charCodeAt(index - 1) === slash);
    if (isWildcard && code === plus) {
      while (place < topic.length && topic.charCodeAt(place) !== slash) place += 1;
    } else if (isWildcard) {
      return topic.length + 1;
    } else if (place < topic.length) {
      if (topic.charCodeAt(place) !== code) return -1;
      place += 1;
    } else {
      return pattern.length - index === 2 && pattern.endsWith("/#") ? topic.length + 1 : -1;
    }
  }
  return place === topic.length || topic.charCodeAt(place) === slash ? place + 1 : -1;
}

export function isWild(pattern: string): boolean {
  return pattern.includes("+") || pattern.endsWith("#");
}

/** Levels in which `+` may stand in every combination without counting. */
const freeLevels = 6;

/**
 * The shape of a pattern, which is the set of its levels with `+`. Null: not counted, since only
 * the first levels of the client have one.
 */
function countedShape(pattern: string, mountLength: number): string | null {
  if (!pattern.includes("+", mountLength)) return null;
  let level = 0;
  let free = freeLevels;
  let isCounted = false;
  let shape = "";
  for (let index = 0; index < pattern.length; index++) {
    const code = pattern.charCodeAt(index);
    if (code === slash) {
      level += 1;
      if (index < mountLength) free += 1;
    } else if (code === plus) {
      shape += `${level},`;
      if (level >= free) isCounted = true;
    }
  }
  return isCounted ? shape : null;
}
