import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import { violation, malformed } from "./violation.ts";
import { decodeText, textFlaw } from "./utf8.ts";

/** Counts the memory of the names of all connections of a broker. */
export interface NameMemory {
  /** Bytes; negative: given back. */
  count(bytes: number): void;
  /** No memory is left for what need not be kept. */
  readonly isShort: boolean;
}

interface KnownTopic {
  readonly bytes: Uint8Array;
  readonly name: string;
}

/** Slots in the table; a power of two. */
const slots = 64;
/** Longer names are not cached, so that a connection caches at most 16 KiB. */
const rememberedBytes = 256;

/**
 * Cache of a connection's recent Topic Names. A client repeats a few names, so each is checked and
 * decoded once; reusing the same string also reuses its computed hash.
 */
export class TopicNames {
  /** In the table, if there is one. */
  #last: KnownTopic | null = null;
  #table: (KnownTopic | undefined)[] | null = null;
  #held = 0;
  readonly #memory: NameMemory | null;

  /** `memory` null: not counted. */
  constructor(memory: NameMemory | null = null) {
    this.#memory = memory;
  }

  /** Bytes of memory. */
  get held(): number {
    return this.#held;
  }

  /**
   * Reads the Topic Name at bytes[start..end), which must not be empty. Returns the name, or how it
   * violates v4-3.3.2-1 and -2, v5-3.3.2-1 and -2.
   */
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    version: ProtocolVersion,
  ): string | ProtocolError {
    const last = this.#last;
    if (last !== null && isSame(last.bytes, bytes, start, end)) return last.name;
    if (end - start > rememberedBytes) return decodeTopic(bytes, start, end, version);
    const slot = hashOf(bytes, start, end) & (slots - 1);
    const known = this.#table?.[slot];
    if (known !== undefined && isSame(known.bytes, bytes, start, end)) {
      this.#last = known;
      return known.name;
    }
    const name = decodeTopic(bytes, start, end, version);
    if (typeof name === "string") this.#remember(name, bytes, start, end, slot);
    return name;
  }

  /** Forgets all names, as their connection ends. */
  clear(): void {
    this.#count(-this.#held);
    this.#last = null;
    this.#table = null;
  }

  /** Allocates the table at the second topic: most clients publish to one. */
  #remember(name: string, bytes: Uint8Array, start: number, end: number, slot: number): void {
    if (this.#memory?.isShort === true) return;
    const topic = { bytes: bytes.slice(start, end), name };
    const last = this.#last;
    this.#last = topic;
    if (last === null) return this.#count(sizeOf(topic));
    if (this.#table === null) {
      this.#table = [];
      this.#table[hashOf(last.bytes, 0, last.bytes.length) & (slots - 1)] = last;
    }
    const replaced = this.#table[slot];
    this.#table[slot] = topic;
    this.#count(sizeOf(topic) - (replaced === undefined ? 0 : sizeOf(replaced)));
  }

  #count(bytes: number): void {
    this.#held += bytes;
    this.#memory?.count(bytes);
  }
}

/** Memory of a name: itself, its bytes, and the objects around them; measured. */
function sizeOf({ bytes }: KnownTopic): number {
  return 300 + 2 * bytes.length;
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (known.length !== length) return false;
  // Backwards, since a client's topics mostly differ at their end.
  for (let index = length - 1; index >= 0; index--) {
    if (known[index] !== bytes[start + index]) return false;
  }
  return true;
}

/** FNV-1a. A client that makes names collide only slows itself down. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash ^ (hash >>> 15);
}

/** A Topic Name, or what is wrong with it [v4-4.7.3-2] [v5-4.7.3-2]. */
function decodeTopic(
  bytes: Uint8Array,
  start: number,
  end: number,
  version: ProtocolVersion,
): string | ProtocolError {
  const flaw = textFlaw(bytes, start, end, false);
  if (flaw === "ill-formed") {
    return malformed(version, "1.5.3-1", "1.5.4-1", "Topic Name is not well-formed UTF-8");
  }
  if (flaw === "null character") {
    return malformed(version, "1.5.3-2", "1.5.4-2", "Topic Name holds U+0000");
  }
  if (topicNameFlaw(bytes, start, end) === "wildcard") {
    const detail = "Topic Name holds a wildcard";
    return violation(Reason.topicNameInvalid, version, "3.3.2-2", "3.3.2-2", detail);
  }
  return decodeText(bytes, start, end);
}

/** Why well-formed UTF-8 is not a valid Topic Name, or null (v4-4.7, v5-4.7). */
export function topicNameFlaw(
  bytes: Uint8Array,
  start: number,
  end: number,
): "wildcard" | "empty" | null {
  if (start === end) return "empty";
  for (let at = start; at < end; at++) {
    const value = bytes[at];
    if (value === 0x23 || value === 0x2b) return "wildcard";
  }
  return null;
}
