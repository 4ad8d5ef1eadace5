import type { Millis } from "./io.ts";
import type { Message } from "./packet.ts";
import { isHidden, isReserved, isServerOwned } from "./topic.ts";
import type { Steps } from "./steps.ts";

interface Level {
  readonly children: Map<string, Level>;
  /** Serial number, in order of creation. */
  readonly number: number;
  message: Message | null;
}

/** Levels that the search still has to visit at one depth. */
interface Branches {
  readonly levels: Iterator<Level, unknown>;
  readonly depth: number;
}

export interface RetainedLimits {
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

/**
 * The last retained message of each topic, whatever becomes of sessions [v4-3.1.2-7]. Expired ones
 * are deleted when a search visits them.
 */
export class Retained {
  readonly #limits: RetainedLimits;
  readonly #root: Level = { children: new Map(), number: 0, message: null };
  #levels = 0;
  #count = 0;
  #bytes = 0;
  /** The part of them below `$SYS`. */
  readonly #own = { messages: 0, bytes: 0 };

  constructor(limits: RetainedLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes of topics and payloads. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The part of both below `$SYS`. */
  get own(): { readonly messages: number; readonly bytes: number } {
    return { ...this.#own };
  }

  has(topic: string): boolean {
    const level = this.#path(topic)?.at(-1);
    return level !== undefined && level.message !== null;
  }

  /** Replaces the topic's message (v5-3.3.1-5). False: a limit is reached, nothing changed. */
  store(message: Message): boolean {
    const path = this.#path(message.topic);
    const old = path === null ? null : path[path.length - 1]!.message;
    const bytes = this.#bytes + sizeOf(message) - (old === null ? 0 : sizeOf(old));
    const count = this.#count + (old === null ? 1 : 0);
    if (count > this.#limits.retainedMessages || bytes > this.#limits.retainedBytes) return false;
    let level = this.#root;
    for (const name of message.topic.split("/")) {
      let next = level.children.get(name);
      if (next === undefined) {
        next = { children: new Map(), number: ++this.#levels, message: null };
        level.children.set(name, next);
      }
      level = next;
    }
    level.message = message;
    this.#countOwn(message.topic, count - this.#count, bytes - this.#bytes);
    this.#count = count;
    this.#bytes = bytes;
    return true;
  }

  /** Deletes the topic's message (v5-3.3.1-6). False: there was none. */
  clear(topic: string): boolean {
    const path = this.#path(topic);
    if (path === null) return false;
    const old = path[path.length - 1]!.message;
    if (old === null) return false;
    path[path.length - 1]!.message = null;
    this.#count -= 1;
    this.#bytes -= sizeOf(old);
    this.#countOwn(topic, -1, -sizeOf(old));
    const names = topic.split("/");
    for (let depth = names.length; depth > 0; depth--) {
      const level = path[depth]!;
      if (level.message !== null || level.children.size > 0) break;
      path[depth - 1]!.children.delete(names[depth - 1]!);
    }
    return true;
  }

  /**
   * The messages whose topics match a filter, found step by step, so that a large answer can be
   * split while clients publish. Topics created after the first step are left out. Calls `now()` at
   * each step, because steps run at different times. `mountLength`: characters of the filter's
   * mount point.
   */
  *match(filter: string, now: () => Millis, mountLength = 0): Steps<Message> {
    const wanted = filter.split("/");
    const newest = this.#levels;
    const stack: Branches[] = [{ levels: [this.#root].values(), depth: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { depth } = top;
      const { done, value: level } = top.levels.next();
      // Newer levels stand after all others.
      if (done === true || level.number > newest) {
        stack.pop();
        continue;
      }
      const name = wanted[depth];
      const message = name === undefined || name === "#" ? this.#fresh(level, now()) : null;
      yield message !== null && isHidden(filter, message.topic, mountLength) ? null : message;
      if (name === "#" || name === "+") {
        // `#` keeps its depth on all levels below, so only the root marks the first level.
        const levels = level === this.#root ? unreserved(level) : level.children.values();
        stack.push({ levels, depth: name === "#" ? depth : depth + 1 });
      } else if (name !== undefined) {
        const next = level.children.get(name);
        if (next !== undefined) stack.push({ levels: [next].values(), depth: depth + 1 });
      }
    }
  }

  #countOwn(topic: string, messages: number, bytes: number): void {
    if (!isServerOwned(topic)) return;
    this.#own.messages += messages;
    this.#own.bytes += bytes;
  }

  /** The level's message; null: none. Deletes an expired one. */
  #fresh({ message }: Level, now: Millis): Message | null {
    if (message?.expiresAt === undefined || message.expiresAt === null) return message;
    if (message.expiresAt > now) return message;
    this.clear(message.topic);
    return null;
  }

  /** The levels from the root to the topic's own; null: the topic has no level. */
  #path(topic: string): Level[] | null {
    const path: Level[] = [this.#root];
    for (const name of topic.split("/")) {
      const next = path[path.length - 1]!.children.get(name);
      if (next === undefined) return null;
      path.push(next);
    }
    return path;
  }
}

function* unreserved({ children }: Level): Generator<Level, void, void> {
  for (const [name, level] of children) if (!isReserved(name)) yield level;
}

/** Bytes that count against the limit. Two per character cover the topic's memory. */
function sizeOf(message: Message): number {
  return message.topic.length * 2 + message.payload.length + (message.properties?.length ?? 0);
}
