import type { WillAccount, WillEndAccount, WillStep } from "./shapes.ts";
import type { WaitEnd, WillFacts, WillFate } from "../events.ts";
import { excerpt } from "./excerpt.ts";
import { Histogram } from "./histogram.ts";
import { idCharacters } from "./clients.ts";
import type { Millis } from "../io.ts";
import { protocolName, type ProtocolVersion } from "../packet.ts";
import type { WillState } from "../will.ts";

/** What the record of a will knows besides the will itself. */
export interface WillOrigin {
  readonly clientId: string;
  readonly remote: string;
  readonly version: ProtocolVersion;
  /** Seconds in force. */
  readonly keepAliveSeconds: number;
  /** Seconds in force; Infinity: never. */
  readonly sessionExpirySeconds: number;
  readonly access: "allowed" | "denied";
}

/** What the client itself published since its will was armed, as far as it is about that will. */
export interface OwnPublishes {
  /** PUBLISHes on the will's topic, and whether one of them was retained. */
  onTopic: number;
  hasBirth: boolean;
  /** The first retained one on a topic beside it; null: none. */
  publishedElsewhere: string | null;
}

/** One will, kept from the CONNECT that armed it until the ledger forgets it. */
export class WillRecord {
  readonly id: number;
  readonly origin: WillOrigin;
  readonly facts: WillFacts;
  readonly steps: WillStep[] = [];
  readonly armedAt: Millis;
  state: WillState = "armed";
  end: WillEndAccount | null = null;
  dueAt: Millis | null = null;
  /** Null from its fate on: only habits ask for it, and topics may be long. */
  ownPublishes: OwnPublishes | null = { onTopic: 0, hasBirth: false, publishedElsewhere: null };
  fate: { readonly fate: WillFate; readonly at: Millis; readonly by: WaitEnd | null } | null = null;

  constructor(id: number, facts: WillFacts, origin: WillOrigin, now: Millis) {
    this.id = id;
    this.origin = origin;
    this.facts = excerpt(facts);
    this.armedAt = now;
    this.step("armed", now);
  }

  /** The will has got into another state. */
  step(state: WillState, at: Millis, why?: string): void {
    this.state = state;
    this.steps.push({ at, state, rule: ruleOf(state, this.origin.version, why) });
  }

  get account(): WillAccount {
    const { origin, facts } = this;
    const expiry = origin.sessionExpirySeconds;
    return {
      id: this.id,
      clientId: origin.clientId,
      remote: origin.remote,
      protocol: protocolName[origin.version],
      topic: facts.topic,
      qos: facts.qos,
      retain: facts.retain,
      payloadBytes: facts.payloadBytes,
      delaySeconds: facts.delayInterval,
      sessionExpirySeconds: expiry === Infinity ? null : expiry,
      keepAliveSeconds: origin.keepAliveSeconds,
      access: origin.access,
      state: this.state,
      armedAt: this.armedAt,
      end: this.end,
      dueAt: this.dueAt,
      fate: this.#fate(),
      steps: [...this.steps],
    };
  }

  #fate(): WillAccount["fate"] {
    if (this.fate === null) return null;
    const { fate, at, by } = this.fate;
    const rule = this.steps.at(-1)?.rule ?? "";
    switch (fate.fate) {
      case "published": {
        const { reach, stoodStillMs } = fate;
        const own = stoodStillMs === undefined ? {} : { stoodStillMs };
        return { fate: fate.fate, at, rule, by, lateMs: fate.at - fate.due, ...own, reach };
      }
      case "discarded":
        return { fate: fate.fate, at, rule, by, why: fate.why };
      case "cancelled":
        return { fate: fate.fate, at, rule, by, why: fate.why };
    }
  }
}

/** All wills: those that live, and the latest of those whose fate is known. */
export class WillLedger {
  readonly #limits: { readonly ledger: number };
  /** All that are known, by id: in the order in which they were armed. */
  readonly #records = new Map<number, WillRecord>();
  readonly #delayed = new Set<WillRecord>();
  /** The oldest fate first. */
  readonly #settled = new Set<WillRecord>();
  /** Of the client ids of those. */
  #settledCharacters = 0;
  readonly lateness = new Histogram();
  readonly #fates = { published: 0, discarded: 0, cancelled: 0 };
  #ids = 0;

  constructor(limits: { readonly ledger: number }) {
    this.#limits = limits;
  }

  /** Wills by their state; those that met their fate, since the start. */
  get counts(): Readonly<Record<WillState, number>> {
    const delayed = this.#delayed.size;
    return { armed: this.#records.size - delayed - this.#settled.size, delayed, ...this.#fates };
  }

  get settled(): number {
    return this.#settled.size;
  }

  arm(facts: WillFacts, origin: WillOrigin, now: Millis): WillRecord {
    const record = new WillRecord(++this.#ids, facts, origin, now);
    this.#records.set(record.id, record);
    return record;
  }

  delay(record: WillRecord, due: Millis, now: Millis): void {
    record.dueAt = due;
    record.step("delayed", now);
    this.#delayed.add(record);
  }

  /** The one fate. `by`: what ended the waiting; null: it did not wait. */
  settle(record: WillRecord, fate: WillFate, by: WaitEnd | null, now: Millis): void {
    this.#delayed.delete(record);
    record.fate = { fate: excerpt(fate), at: now, by };
    if (fate.fate === "published") {
      record.dueAt = fate.due;
      this.lateness.add(fate.at - fate.due);
    }
    record.step(fate.fate, now, fate.fate === "discarded" ? fate.why : (by ?? undefined));
    this.#fates[fate.fate] += 1;
    this.#settled.add(record);
    this.#settledCharacters += record.origin.clientId.length;
    const { ledger } = this.#limits;
    for (const oldest of this.#settled) {
      if (this.#settled.size <= ledger && this.#settledCharacters <= ledger * idCharacters) break;
      this.#settled.delete(oldest);
      this.#settledCharacters -= oldest.origin.clientId.length;
      this.#records.delete(oldest.id);
    }
  }

  /** Of the latest will that was armed; 0: none was. */
  get newestId(): number {
    return this.#ids;
  }

  /** Undefined: there is none, or it is forgotten. */
  record(id: number): WillRecord | undefined {
    return this.#records.get(id);
  }

  /** Oldest first. */
  records(): MapIterator<WillRecord> {
    return this.#records.values();
  }

  delayedRecords(): SetIterator<WillRecord> {
    return this.#delayed.values();
  }
}

/** The statement that asks for a step of a will's life. MQTT 3.1 has no numbers: its sections stand for them. */
function ruleOf(state: WillState, version: ProtocolVersion, why: string | undefined): string {
  const v5 = version === 5;
  switch (state) {
    case "armed":
      return v5 ? "v5-3.1.2-7" : "v4-3.1.2-8";
    case "delayed":
      return "v5-3.1.2-8";
    case "published":
      return v5 ? "v5-3.1.2-8" : "v4-3.1.2-8";
    case "discarded":
      if (why === "disconnect") return v5 ? "v5-3.14.4-3" : "v4-3.14.4-3";
      return why === "denied" ? "v5-3.1.4-2" : "none: on purpose";
    case "cancelled":
      return "v5-3.1.3-9";
  }
}
