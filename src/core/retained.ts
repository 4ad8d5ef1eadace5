import { Deadline, Deadlines } from "./deadlines.ts";
import type { Millis } from "./io.ts";
import type { Journal } from "./journal.ts";
import { LevelTree, levelAt, type Place } from "./level-tree.ts";
import { costs, Memory, messageBytes } from "./memory.ts";
import type { Message } from "./packet.ts";
import type { Steps } from "./steps.ts";
import { isHidden, isReserved, isServerOwned } from "./topic.ts";

/** Places that a walk still has to visit below one place. */
interface Branches {
  readonly places: Iterator<Place<Message>, unknown>;
  /** Index in their paths where the levels below that place begin. */
  readonly below: number;
  /** Index of the filter's level for the first of these; at `#` for all of them. */
  readonly level: number;
}

export interface RetainedLimits {
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

/** Expired messages that one call of `store` deletes at most. */
const expiredAtOnce = 1000;

/**
 * The last retained message of each topic, whatever becomes of sessions [v4-3.1.2-7]. An expired
 * one is deleted by `expire`, when a walk visits it, or when the store is full.
 */
export class Retained {
  readonly #limits: RetainedLimits;
  readonly #tree = new LevelTree<Message>();
  /** By topic, the deadlines of messages that expire. */
  readonly #expiries = new Map<string, Deadline<string>>();
  readonly #deadlines = new Deadlines<string>();
  #count = 0;
  #bytes = 0;
  /** The part of them below `$SYS`. */
  readonly #own = { messages: 0, bytes: 0 };

  readonly #memory: Memory;
  /** Null: nothing outlives the process. */
  readonly #journal: Journal | null;

  constructor(
    limits: RetainedLimits,
    memory: Memory = new Memory(),
    journal: Journal | null = null,
  ) {
    this.#limits = limits;
    this.#memory = memory;
    this.#journal = journal;
    journal?.watch(this);
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of topics and payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of memory, without the messages. */
  get held(): number {
    return this.#tree.held + this.#expiries.size * expiryBytes;
  }

  /** The part of both below `$SYS`. */
  get own(): { readonly messages: number; readonly bytes: number } {
    return { ...this.#own };
  }

  /** When the first message expires; null: none does. */
  get nextExpiry(): Millis | null {
    return this.#deadlines.next();
  }

  has(topic: string): boolean {
    return this.get(topic) !== null;
  }

  /** The message of a topic, which may have expired; null: there is none. */
  get(topic: string): Message | null {
    return this.#tree.get(topic);
  }

  /**
   * The limit that keeps a message from being stored; null: it can be stored. Deletes expired
   * messages first where a limit is reached. The limits do not count what is below `$SYS`.
   */
  limitFor(message: Sized, now: Millis): keyof RetainedLimits | null {
    for (let deleted = 0; ; deleted++) {
      const limit = this.#reachedBy(message);
      if (limit === null) return null;
      if (deleted < expiredAtOnce && this.#expireFirst(now)) continue;
      return limit;
    }
  }

  /** More than a limit allows may have been restored: one that takes no more than before can stay. */
  #reachedBy(message: Sized): keyof RetainedLimits | null {
    if (isServerOwned(message.topic)) return null;
    const old = this.#tree.get(message.topic);
    const { retainedMessages, retainedBytes } = this.#limits;
    if (old === null && this.#count - this.#own.messages >= retainedMessages) {
      return "retainedMessages";
    }
    const more = sizeOf(message) - (old === null ? 0 : sizeOf(old));
    const bytes = this.#bytes - this.#own.bytes + more;
    return more > 0 && bytes > retainedBytes ? "retainedBytes" : null;
  }

  /** Replaces the topic's message (v5-3.3.1-5). False: a limit is reached, nothing is stored. */
  store(message: Message, now: Millis): boolean {
    if (this.limitFor(message, now) !== null) return false;
    this.restore(message);
    this.#journal?.retainedChanged(message.topic, message.payload.length);
    return true;
  }

  /** Stores what was kept before, whatever the limits are now. */
  restore(message: Message): void {
    const { topic, expiresAt } = message;
    const old = this.#tree.set(topic, message);
    const more = sizeOf(message) - (old === null ? 0 : sizeOf(old));
    this.#counted(topic, old === null ? 1 : 0, more);
    this.#setExpiry(topic, expiresAt);
    this.#memory.hold(message);
    if (old !== null) this.#memory.release(old);
    this.#memory.retained.set(this.held);
  }

  /** Bytes of memory that a message would take, less those of the one that it replaces. */
  growthBy(message: Sized): number {
    const old = this.#tree.get(message.topic);
    const place = old === null ? costs.retained : -messageBytes(old);
    return messageBytes(message) + place;
  }

  /** Deletes the topic's message (v5-3.3.1-6). False: there was none. */
  clear(topic: string): boolean {
    const old = this.#tree.delete(topic);
    if (old === null) return false;
    this.#setExpiry(topic, null);
    this.#counted(topic, -1, -sizeOf(old));
    this.#memory.release(old);
    this.#memory.retained.set(this.held);
    this.#journal?.retainedChanged(topic, 0);
    return true;
  }

  /** Deletes expired messages, up to a number. Returns how many it deleted. */
  expire(now: Millis, atMost: number): number {
    let deleted = 0;
    while (deleted < atMost && this.#expireFirst(now)) deleted += 1;
    return deleted;
  }

  /**
   * The messages whose topics match a filter, found step by step, so that a large answer can be
   * split while clients publish. Topics created after the first step are left out. Calls `now()` at
   * each step, because steps run at different times. `mountLength`: characters of the filter's
   * mount point.
   */
  *match(filter: string, now: () => Millis, mountLength = 0): Steps<Message> {
    const wanted = filter.split("/");
    const { root, serial: newest } = this.#tree;
    const stack: Branches[] = [{ places: [root].values(), below: 0, level: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { done, value: place } = top.places.next();
      // Newer places stand after all others.
      if (done === true || place.number > newest) {
        stack.pop();
        continue;
      }
      const level = place === root ? 0 : follow(wanted, top.level, place.path, top.below);
      const name = wanted[level];
      const isMatch = level >= 0 && (name === undefined || name === "#") && place.since <= newest;
      const message = isMatch ? this.#fresh(place, now()) : null;
      yield message !== null && isHidden(filter, message.topic, mountLength) ? null : message;
      if (level < 0 || name === undefined || place.children === null) continue;
      const { below } = place;
      if (name === "#" || name === "+") {
        const places = place === root ? unreserved(place) : place.children.values();
        stack.push({ places, below, level });
      } else {
        const next = place.children.get(name);
        if (next !== undefined) stack.push({ places: [next].values(), below, level });
      }
    }
  }

  #counted(topic: string, messages: number, bytes: number): void {
    this.#count += messages;
    this.#bytes += bytes;
    if (!isServerOwned(topic)) return;
    this.#own.messages += messages;
    this.#own.bytes += bytes;
  }

  #setExpiry(topic: string, expiresAt: Millis | null): void {
    let deadline = this.#expiries.get(topic);
    if (expiresAt === null) {
      if (deadline === undefined) return;
      this.#deadlines.clear(deadline);
      this.#expiries.delete(topic);
      return;
    }
    if (deadline === undefined) {
      deadline = new Deadline(topic);
      this.#expiries.set(topic, deadline);
    }
    this.#deadlines.set(deadline, expiresAt);
  }

  /** False: none has expired. */
  #expireFirst(now: Millis): boolean {
    const deadline = this.#deadlines.pop(now);
    return deadline !== null && this.clear(deadline.owner);
  }

  /** The place's message; null: none. Deletes an expired one. */
  #fresh({ value: message }: Place<Message>, now: Millis): Message | null {
    if (message === null || message.expiresAt === null || message.expiresAt > now) return message;
    this.clear(message.topic);
    return null;
  }
}

/** Children of the root that a wildcard matches: on the first level it matches no `$`. */
function* unreserved({ children }: Place<Message>): Generator<Place<Message>, void, void> {
  for (const place of children?.values() ?? []) if (!isReserved(place.path)) yield place;
}

/**
 * Matches levels of a filter against those of a topic from an index. Returns the index of the
 * filter's next level, which stays at `#`; -1: they don't match.
 */
function follow(wanted: readonly string[], first: number, topic: string, from: number): number {
  let level = first;
  for (let start = from; start <= topic.length; level++) {
    const name = wanted[level];
    if (name === "#") return level;
    const own = levelAt(topic, start);
    if (name !== "+" && name !== own) return -1;
    start += own.length + 1;
  }
  return level;
}

/** Bytes of memory of a deadline, its places in the map and the heap. */
const expiryBytes = 145;

export type Sized = Pick<Message, "topic" | "payload" | "properties">;

/** Bytes that count against the limit. Two per character cover the topic's memory. */
function sizeOf({ topic, payload, properties }: Sized): number {
  return topic.length * 2 + payload.length + (properties?.length ?? 0);
}
