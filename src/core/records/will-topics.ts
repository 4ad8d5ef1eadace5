import { assert } from "../assert.ts";
import { textKept } from "./excerpt.ts";
import type { Millis } from "../io.ts";
import { costs, type Memory, textBytes } from "../memory.ts";
import { Oldest } from "./oldest.ts";
import type { Message } from "../packet.ts";
import type { Session } from "../session.ts";
import type { WillRecord } from "./wills.ts";

/** Bytes kept of a retained payload, to show it. */
const payloadKept = 64;

/** Who published what is retained on a will topic. */
export interface RetainedBy {
  /** Null: unknown, because the id is too long to keep. */
  readonly clientId: string | null;
  readonly at: Millis;
  readonly payloadBytes: number;
  /** The first bytes of the payload: a copy. */
  readonly payload: Uint8Array;
  /** Null: never. */
  readonly expiresAt: Millis | null;
  /** It is a will: when its CONNECT was accepted. Null: an ordinary message. */
  readonly willArmedAt: Millis | null;
}

/** What is left of a retained message that was replaced. */
type Replaced = Pick<RetainedBy, "clientId" | "at" | "willArmedAt">;

/** A topic on which wills are, or lately were, armed. Each change takes O(1), whoever shares it. */
export class WillTopic {
  /** The last client that armed a will here; null: its id is too long to keep. */
  last: { readonly clientId: string; readonly host: string } | null = null;
  /** Null: nothing is retained, or it was published before the first will was armed here. */
  retained: RetainedBy | null = null;
  /** What `retained` replaced. */
  before: Replaced | null = null;
  /** One client has published different retained messages here since its will was armed. */
  varies = false;
  readonly #armed: WillRecord[] = [];
  /** Number of delayed wills. */
  #delayed = 0;
  #armedAt: Millis | null = null;

  get isHeld(): boolean {
    return this.#armed.length > 0 || this.#delayed > 0;
  }

  /** The armed wills here, unordered: at most one of each client. */
  get armed(): readonly WillRecord[] {
    return this.#armed;
  }

  /** A client other than this one that is connected and has a will here; null: none. */
  connectedOther(clientId: string): WillRecord | null {
    const [first = null, second = null] = this.#armed;
    return first?.origin.clientId === clientId ? second : first;
  }

  arm(record: WillRecord): void {
    this.varies = false;
    this.#armedAt = record.armedAt;
    record.place = this.#armed.length;
    this.#armed.push(record);
  }

  delay(record: WillRecord): void {
    this.#remove(record);
    this.#delayed += 1;
  }

  /** A will got its fate. */
  settle(record: WillRecord): void {
    if (record.place < 0) this.#delayed -= 1;
    else this.#remove(record);
  }

  /** Removes an armed will: the last one moves to its place. */
  #remove(record: WillRecord): void {
    const { place } = record;
    const last = this.#armed.pop();
    assert(place >= 0 && last !== undefined, "a will that leaves the armed ones is one of them");
    record.place = -1;
    if (last === record) return;
    this.#armed[place] = last;
    last.place = place;
  }

  /** `next` null: the retained message was deleted. */
  replaced(next: RetainedBy | null): void {
    const { retained: old } = this;
    const isOwn = old !== null && old.clientId === next?.clientId && old.at >= (this.#armedAt ?? 0);
    if (next !== null && isOwn && !samePayload(old, next)) this.varies = true;
    this.before = old && { clientId: old.clientId, at: old.at, willArmedAt: old.willArmedAt };
    this.retained = next;
  }
}

/**
 * The topics of wills. Keeps those of armed and delayed wills, which `limits.sessions` bounds, and
 * of the others the latest `limits.ledger`. Topics too long to keep are left out, so each takes at
 * most 64 bytes of a payload, and a topic and three client ids of 512 characters.
 */
export class WillTopics {
  readonly #limits: { readonly ledger: number };
  readonly #held = new Map<string, WillTopic>();
  readonly #free = new Map<string, WillTopic>();
  readonly #oldest = new Oldest(this.#free);

  readonly #memory: Memory;

  constructor(limits: { readonly ledger: number }, memory: Memory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  get size(): number {
    return this.#held.size + this.#free.size;
  }

  of(topic: string): WillTopic | null {
    return this.#held.get(topic) ?? this.#free.get(topic) ?? null;
  }

  /** The topic of a will that is armed next; null: not kept. */
  claim(topic: string): WillTopic | null {
    if (topic.length > textKept) return null;
    let known = this.of(topic);
    if (known === null) {
      known = new WillTopic();
      this.#memory.records.take(bytesOf(topic));
    }
    this.#free.delete(topic);
    this.#held.set(topic, known);
    return known;
  }

  delayed(record: WillRecord): void {
    this.#held.get(record.facts.topic)?.delay(record);
  }

  /** A will got its fate. */
  settled(record: WillRecord): void {
    const { topic } = record.facts;
    const known = this.#held.get(topic);
    if (known === undefined) return;
    known.settle(record);
    if (known.isHeld) return;
    this.#held.delete(topic);
    this.#free.set(topic, known);
    if (this.#free.size > this.#limits.ledger) this.forgetOldest();
  }

  /** Forgets the topic whose last will was settled first. False: there is none without a will. */
  forgetOldest(): boolean {
    const oldest = this.#oldest.take();
    if (oldest === undefined) return false;
    this.#free.delete(oldest);
    this.#memory.records.give(bytesOf(oldest));
    return true;
  }

  /** A message with RETAIN was stored, or without payload deleted the stored one. */
  retained(publisher: Session | null, message: Message, now: Millis): void {
    const known = this.of(message.topic);
    if (known === null) return;
    const { payload, expiresAt } = message;
    if (payload.length === 0) return known.replaced(null);
    const id = publisher?.clientId ?? null;
    known.replaced({
      clientId: id === null || id.length > textKept ? null : id,
      at: now,
      payloadBytes: payload.length,
      payload: payload.slice(0, payloadKept),
      expiresAt,
      willArmedAt: null,
    });
  }

  /**
   * A will was published and changed the retained message. Returns what it replaced, if that is an
   * ordinary message of another client.
   */
  willRetained({ facts, origin, armedAt }: WillRecord): (Replaced & { clientId: string }) | null {
    const known = this.of(facts.topic);
    if (known === null) return null;
    const { before, retained } = known;
    if (retained !== null) known.retained = { ...retained, willArmedAt: armedAt };
    if (before === null || before.willArmedAt !== null || before.clientId === null) return null;
    return before.clientId === origin.clientId ? null : { ...before, clientId: before.clientId };
  }
}

/** Memory of a topic, with what is known of a message on it. */
function bytesOf(topic: string): number {
  return costs.willTopic + textBytes(topic);
}

function samePayload(a: RetainedBy, b: RetainedBy): boolean {
  return a.payloadBytes === b.payloadBytes && sameBytes(a.payload, b.payload);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
