import { textKept } from "./excerpt.ts";
import type { Millis } from "../io.ts";
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

/** A topic on which wills are, or lately were, armed. */
export class WillTopic {
  /** The last client that armed a will here; null: its id is too long to keep. */
  last: { readonly clientId: string; readonly host: string } | null = null;
  /** Null: nothing is retained, or it was published before the first will was armed here. */
  retained: RetainedBy | null = null;
  /** What `retained` replaced. */
  before: RetainedBy | null = null;
  /** One client has published different retained messages here since its will was armed. */
  varies = false;
  /** Almost every topic has one holder, so create a set only for more. */
  #holder: WillRecord | null = null;
  #others: Set<WillRecord> | null = null;
  #armedAt: Millis | null = null;

  get isHeld(): boolean {
    return this.#holder !== null;
  }

  /** The armed and delayed wills on this topic. */
  *holders(): Generator<WillRecord, void, void> {
    if (this.#holder !== null) yield this.#holder;
    if (this.#others !== null) yield* this.#others;
  }

  /** A client other than this one that is connected and has a will here; null: none. */
  connectedOther(clientId: string): WillRecord | null {
    for (const holder of this.holders()) {
      if (holder.origin.clientId !== clientId && holder.state === "armed") return holder;
    }
    return null;
  }

  armed(record: WillRecord): void {
    this.varies = false;
    this.#armedAt = record.armedAt;
    if (this.#holder === null) this.#holder = record;
    else (this.#others ??= new Set()).add(record);
  }

  left(record: WillRecord): void {
    if (this.#holder !== record) {
      this.#others?.delete(record);
      return;
    }
    this.#holder = null;
    for (const next of this.#others ?? []) {
      this.#others?.delete(next);
      this.#holder = next;
      return;
    }
  }

  /** `next` null: the retained message was deleted. */
  replaced(next: RetainedBy | null): void {
    const { retained: old } = this;
    const isOwn = old !== null && old.clientId === next?.clientId && old.at >= (this.#armedAt ?? 0);
    if (next !== null && isOwn && !samePayload(old, next)) this.varies = true;
    this.before = old;
    this.retained = next;
  }
}

/**
 * The topics of wills. Keeps those of armed and delayed wills, which `limits.sessions` bounds, and
 * of the others the latest `limits.ledger`. Topics too long to keep are left out.
 */
export class WillTopics {
  readonly #limits: { readonly ledger: number };
  readonly #held = new Map<string, WillTopic>();
  readonly #free = new Map<string, WillTopic>();

  constructor(limits: { readonly ledger: number }) {
    this.#limits = limits;
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
    const known = this.of(topic) ?? new WillTopic();
    this.#free.delete(topic);
    this.#held.set(topic, known);
    return known;
  }

  /** A will got its fate. */
  left(record: WillRecord): void {
    const { topic } = record.facts;
    const known = this.#held.get(topic);
    if (known === undefined) return;
    known.left(record);
    if (known.isHeld) return;
    this.#held.delete(topic);
    this.#free.set(topic, known);
    if (this.#free.size <= this.#limits.ledger) return;
    for (const oldest of this.#free.keys()) {
      this.#free.delete(oldest);
      return;
    }
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
   * A will was published and changed the retained message. Returns the ordinary message that it
   * replaced, if the client that had published it is connected with a will on the same topic.
   */
  willRetained(record: WillRecord): WillRecord["overwrote"] {
    const known = this.of(record.facts.topic);
    if (known === null) return null;
    const { before, retained } = known;
    if (retained !== null) known.retained = { ...retained, willArmedAt: record.armedAt };
    if (before === null || before.willArmedAt !== null || before.clientId === null) return null;
    if (before.clientId === record.origin.clientId) return null;
    for (const { origin, state } of known.holders()) {
      if (origin.clientId !== before.clientId || state !== "armed") continue;
      return { clientId: origin.clientId, remote: origin.remote, at: before.at };
    }
    return null;
  }
}

function samePayload(a: RetainedBy, b: RetainedBy): boolean {
  return a.payloadBytes === b.payloadBytes && sameBytes(a.payload, b.payload);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
