import type { WillAccount, WillEndAccount, WillStep } from "./will-account.ts";
import type { WaitEnd, WillFacts, WillFate } from "../events.ts";
import { excerpt } from "./excerpt.ts";
import { Histogram } from "./histogram.ts";
import { base64 } from "./base64.ts";
import { idCharacters } from "./clients.ts";
import { bytesOfFact, Kept } from "./kept.ts";
import { costs, type Memory } from "../memory.ts";
import type { SparkplugPayloads } from "./sparkplug.ts";
import type { Millis } from "../io.ts";
import { Oldest } from "./oldest.ts";
import { protocolName, type ProtocolVersion } from "../packet.ts";
import type { WillState } from "../will.ts";

/** Bytes kept of a will's payload. */
const payloadKept = 64;

/** Facts about the CONNECT that armed a will. */
export interface WillOrigin {
  readonly clientId: string;
  readonly remote: string;
  readonly version: ProtocolVersion;
  /** Seconds in force. */
  readonly keepAliveSeconds: number;
  /** Seconds in force; Infinity: never expires. */
  readonly sessionExpirySeconds: number;
  readonly access: "allowed" | "denied";
  /** A store has kept the will, and nothing of what its client published. */
  readonly isRestored: boolean;
}

/** What the client itself published since its will was armed, if related to the will. */
export interface OwnPublishes {
  /** Number of all its PUBLISHes; of those on the will's topic; of the retained ones of these. */
  count: number;
  onTopic: number;
  retained: number;
  /** The last PUBLISH on the will's topic had the will's payload. */
  saidWill: boolean;
  /** The last PUBLISH was on the will's topic. */
  endedOnTopic: boolean;
  /** Beginning of the topic of the first retained PUBLISH on a related topic; null: none. */
  elsewhere: string | null;
  /** Null: the will is no NDEATH of Sparkplug B. */
  sparkplug: SparkplugPayloads | null;
}

/**
 * Whether the last message on the will's topic was a farewell. One that differs from the will is one
 * only if it was the last message of several (Sparkplug's NDEATH), or not the first on that topic.
 */
export function isFarewell({ count, onTopic, saidWill, endedOnTopic }: OwnPublishes): boolean {
  return saidWill || onTopic > 1 || (endedOnTopic && count > 1);
}

/** The record of one will, from the CONNECT that armed it until the ledger drops it. */
export class WillRecord extends Kept {
  readonly id: number;
  readonly origin: WillOrigin;
  readonly facts: WillFacts;
  /** A copy, because the whole payload belongs to the will. */
  readonly #payload: Uint8Array;
  readonly steps: WillStep[] = [];
  readonly armedAt: Millis;
  state: WillState = "armed";
  end: WillEndAccount | null = null;
  dueAt: Millis | null = null;
  /** It was due while the broker was down or just after, and waits for clients to return; null: it does not. */
  waitsAfterRestart: "grace" | "settle" | null = null;
  /** Index among the armed wills of its topic; -1: not armed, or its topic is not kept. */
  place = -1;
  /** Null: it is not known. */
  readonly own: OwnPublishes | null;
  /** The message of another client that it replaced as the retained one; null: none. */
  overwrote: { readonly clientId: string; readonly remote: string; readonly at: Millis } | null =
    null;
  fate: { readonly fate: WillFate; readonly at: Millis; readonly by: WaitEnd | null } | null = null;

  constructor(id: number, facts: WillFacts, payload: Uint8Array, origin: WillOrigin, now: Millis) {
    const kept = excerpt(facts);
    super(costs.willRecord + bytesOfFact(kept));
    this.id = id;
    this.#payload = payload.slice(0, payloadKept);
    this.origin = origin;
    this.facts = kept;
    this.own = origin.isRestored
      ? null
      : {
          ...{ count: 0, onTopic: 0, retained: 0 },
          ...{ saidWill: false, endedOnTopic: false, elsewhere: null, sparkplug: null },
        };
    this.armedAt = now;
    this.step("armed", now);
  }

  /** The will changed its state. */
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
      payload: base64(this.#payload),
      delaySeconds: facts.delayInterval,
      ...(facts.messageExpiry !== undefined && { messageExpirySeconds: facts.messageExpiry }),
      sessionExpirySeconds: expiry === Infinity ? null : expiry,
      keepAliveSeconds: origin.keepAliveSeconds,
      access: origin.access,
      state: this.state,
      armedAt: this.armedAt,
      end: this.end,
      dueAt: this.dueAt,
      ...(this.waitsAfterRestart !== null &&
        this.fate === null && { waitsAfterRestart: this.waitsAfterRestart }),
      fate: this.#fate(),
      ...this.#own,
      ...this.#sparkplug,
      steps: [...this.steps],
    };
  }

  get #own(): Pick<WillAccount, "own"> {
    if (this.own === null) return {};
    const { onTopic, retained, elsewhere } = this.own;
    return { own: { onTopic, retained, farewell: isFarewell(this.own), elsewhere } };
  }

  get #sparkplug(): Pick<WillAccount, "sparkplug"> {
    const sparkplug = this.own?.sparkplug ?? null;
    if (sparkplug === null) return {};
    const { death, birth } = sparkplug;
    const born = birth && {
      ...{ at: birth.at, payloadBytes: birth.bytes, payload: base64(birth.payload) },
    };
    return { sparkplug: { death: base64(death), birth: born } };
  }

  #fate(): WillAccount["fate"] {
    if (this.fate === null) return null;
    const { fate, at, by } = this.fate;
    const rule = this.steps.at(-1)?.rule ?? "";
    switch (fate.fate) {
      case "published": {
        const { reach, stoodStillMs } = fate;
        const own = stoodStillMs === undefined ? {} : { stoodStillMs };
        const { clientId, at: publishedAt } = this.overwrote ?? {};
        const overwrote =
          clientId === undefined || publishedAt === undefined
            ? {}
            : { overwrote: { clientId, at: publishedAt } };
        const lateMs = fate.at - fate.due;
        return { fate: fate.fate, at, rule, by, lateMs, ...own, reach, ...overwrote };
      }
      case "discarded": {
        const { why, deniedBy } = fate;
        const denial = deniedBy === undefined ? {} : { deniedBy };
        return { fate: fate.fate, at, rule, by, why, ...denial };
      }
      case "cancelled":
        return { fate: fate.fate, at, rule, by, why: fate.why };
    }
  }
}

/** Records of all armed and delayed wills, and of the latest settled ones. */
export class WillLedger {
  readonly #limits: { readonly ledger: number };
  /** All records by id, in the order in which the wills were armed. */
  readonly #records = new Map<number, WillRecord>();
  readonly #delayed = new Set<WillRecord>();
  /** Wills with a fate, the oldest fate first. */
  readonly #settled = new Set<WillRecord>();
  readonly #oldest = new Oldest(this.#settled);
  /** Total length of their client ids. */
  #settledCharacters = 0;
  readonly lateness = new Histogram();
  readonly #fates = { published: 0, discarded: 0, cancelled: 0 };
  #ids = 0;

  readonly #memory: Memory;

  constructor(limits: { readonly ledger: number }, memory: Memory) {
    this.#limits = limits;
    this.#memory = memory;
  }

  /** Wills by state; fates are counted since the start. */
  get counts(): Readonly<Record<WillState, number>> {
    const delayed = this.#delayed.size;
    return { armed: this.#records.size - delayed - this.#settled.size, delayed, ...this.#fates };
  }

  get settled(): number {
    return this.#settled.size;
  }

  arm(facts: WillFacts, payload: Uint8Array, origin: WillOrigin, now: Millis): WillRecord {
    const record = new WillRecord(++this.#ids, facts, payload, origin, now);
    this.#records.set(record.id, record);
    record.hold(this.#memory);
    return record;
  }

  delay(record: WillRecord, due: Millis, now: Millis): void {
    record.dueAt = due;
    record.step("delayed", now);
    this.#delayed.add(record);
  }

  /** Gives a will its one fate. `by`: what ended its delay; null: it had none. */
  settle(record: WillRecord, fate: WillFate, by: WaitEnd | null, now: Millis): void {
    this.#delayed.delete(record);
    record.fate = { fate: excerpt(fate), at: now, by };
    record.grow(bytesOfFact(record.fate), this.#memory);
    if (fate.fate === "published") {
      record.dueAt = fate.due;
      this.lateness.add(fate.at - fate.due);
    }
    record.step(fate.fate, now, fate.fate === "discarded" ? fate.why : (by ?? undefined));
    this.#fates[fate.fate] += 1;
    this.#settled.add(record);
    this.#settledCharacters += record.origin.clientId.length;
    const { ledger } = this.#limits;
    while (this.#settled.size > ledger || this.#settledCharacters > ledger * idCharacters) {
      if (!this.forgetOldest()) break;
    }
  }

  /** Forgets the settled will with the oldest fate. False: there is none. */
  forgetOldest(): boolean {
    const oldest = this.#oldest.take();
    if (oldest === undefined) return false;
    this.#settled.delete(oldest);
    this.#settledCharacters -= oldest.origin.clientId.length;
    this.#records.delete(oldest.id);
    oldest.release(this.#memory);
    return true;
  }

  /** Id of the last will armed; 0: none. */
  get newestId(): number {
    return this.#ids;
  }

  /** Undefined: no such will, or the ledger dropped it. */
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

/** The statement that requires a change of state, of the version that the client speaks. */
function ruleOf(state: WillState, version: ProtocolVersion, why: string | undefined): string {
  const v5 = version === 5;
  const onPurpose = "none: on purpose";
  switch (state) {
    case "armed":
      return v5 ? "v5-3.1.2-7" : "v4-3.1.2-8";
    case "delayed":
      // Only 5.0 has a delay.
      return v5 ? "v5-3.1.2-8" : onPurpose;
    case "published":
      return v5 ? "v5-3.1.2-8" : "v4-3.1.2-8";
    case "discarded":
      if (why === "disconnect") return v5 ? "v5-3.14.4-3" : "v4-3.14.4-3";
      if (why !== "denied") return onPurpose;
      return v5 ? "v5-3.1.4-2" : "v4-3.3.5-2";
    case "cancelled":
      return v5 && why !== "restart grace" ? "v5-3.1.3-9" : onPurpose;
  }
}
