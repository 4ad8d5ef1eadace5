import type { WillAccount, WillEndAccount, WillFateAccount, WillStep } from "./will-account.ts";
import type { RecordChange } from "../durable.ts";
import type { WaitEnd, WillFacts, WillFate } from "../events.ts";
import { excerpt } from "./excerpt.ts";
import { Histogram } from "./histogram.ts";
import { base64, bytesOfBase64 } from "./base64.ts";
import { idCharacters } from "./clients.ts";
import { bytesOfFact, LastingKept } from "./kept.ts";
import type { RecordJournal } from "./record-journal.ts";
import { costs, type Memory } from "../memory.ts";
import type { SparkplugPayloads } from "./sparkplug.ts";
import type { Millis } from "../io.ts";
import { Oldest } from "./oldest.ts";
import { protocolName, type ProtocolVersion, type Qos, versionOf } from "../packet.ts";
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
export class WillRecord extends LastingKept {
  readonly id: number;
  readonly origin: WillOrigin;
  readonly facts: WillFacts;
  /** A copy, because the whole payload belongs to the will. */
  readonly #payload: Uint8Array;
  readonly steps: WillStep[];
  readonly armedAt: Millis;
  state: WillState = "armed";
  end: WillEndAccount | null = null;
  dueAt: Millis | null = null;
  /** It was due while the broker was down or just after, and waits or waited for clients; null: it did not. */
  waitsAfterRestart: "grace" | "settle" | null = null;
  /** Index among the armed wills of its topic; -1: not armed, or its topic is not kept. */
  place = -1;
  /** Null: it is not known. */
  readonly own: OwnPublishes | null;
  /** The message of another client that it replaced as the retained one; null: none. */
  overwrote: { readonly clientId: string; readonly remote: string; readonly at: Millis } | null =
    null;
  fate: { readonly fate: WillFate; readonly at: Millis; readonly by: WaitEnd | null } | null = null;

  constructor(
    id: number,
    facts: WillFacts,
    payload: Uint8Array,
    origin: WillOrigin,
    armedAt: Millis,
    journal: RecordJournal | null,
  ) {
    const kept = excerpt(facts);
    super(costs.willRecord + bytesOfFact(kept), journal);
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
    this.armedAt = armedAt;
    this.steps = [
      { at: armedAt, state: "armed", rule: ruleOf("armed", origin.version, undefined) },
    ];
  }

  /** As a store has kept it. */
  static stored(kept: WillAccount, journal: RecordJournal): WillRecord {
    const { clientId, remote, topic, retain, payloadBytes, keepAliveSeconds, access, own } = kept;
    const { delaySeconds: delayInterval, messageExpirySeconds: messageExpiry } = kept;
    const facts = {
      ...{ topic, retain, delayInterval, payloadBytes, qos: kept.qos as Qos },
      ...(messageExpiry !== undefined && { messageExpiry }),
    };
    const origin = {
      ...{ clientId, remote, keepAliveSeconds, access, version: versionOf(kept.protocol) },
      sessionExpirySeconds: kept.sessionExpirySeconds ?? Infinity,
      isRestored: own === undefined,
    };
    const payload = bytesOfBase64(kept.payload ?? "");
    const armedAt = kept.armedAt as Millis;
    const record = new WillRecord(kept.id, facts, payload, origin, armedAt, journal);
    record.isStored = true;
    record.steps.push(...kept.steps.slice(1));
    record.state = kept.state;
    record.end = kept.end;
    record.dueAt = kept.dueAt as Millis | null;
    record.waitsAfterRestart = kept.waitsAfterRestart ?? null;
    record.#takeOwn(kept);
    if (kept.fate !== null) record.#takeFate(kept.fate);
    return record;
  }

  #takeOwn({ own: kept, sparkplug }: WillAccount): void {
    const { own } = this;
    if (own === null || kept === undefined) return;
    own.onTopic = kept.onTopic;
    own.retained = kept.retained;
    own.saidWill = kept.farewell;
    own.count = kept.onTopic;
    own.elsewhere = kept.elsewhere;
    if (sparkplug === undefined) return;
    const { death, birth } = sparkplug;
    own.sparkplug = {
      // Its client has gone.
      ...{ birthTopic: "", death: bytesOfBase64(death) },
      birth: birth && {
        ...{ at: birth.at as Millis, bytes: birth.payloadBytes },
        payload: bytesOfBase64(birth.payload),
      },
    };
  }

  #takeFate(kept: WillFateAccount): void {
    const { topic } = this.facts;
    const at = kept.at as Millis;
    const { by } = kept;
    if (kept.fate !== "published") this.fate = { fate: { ...kept, topic }, at, by };
    else {
      const { lateMs, reach, stoodStillMs, overwrote } = kept;
      const due = (at - lateMs) as Millis;
      const own = stoodStillMs !== undefined && { stoodStillMs };
      this.fate = { fate: { fate: "published", topic, due, at, reach, ...own }, at, by };
      if (overwrote !== undefined) {
        this.overwrote = { ...overwrote, remote: "", at: overwrote.at as Millis };
      }
    }
    this.grow(bytesOfFact(this.fate), null);
  }

  put(): RecordChange {
    const { account } = this;
    if (this.end !== null) return { put: "willRecord", value: account };
    // What its client publishes is kept at the end of its connection, not with each PUBLISH.
    const { own: _, sparkplug: __, ...rest } = account;
    return { put: "willRecord", value: rest };
  }

  drop(): RecordChange {
    return { delete: "willRecord", number: this.id };
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
      ...(this.waitsAfterRestart !== null && { waitsAfterRestart: this.waitsAfterRestart }),
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
  readonly #journal: RecordJournal | null;

  constructor(limits: { readonly ledger: number }, memory: Memory, journal: RecordJournal | null) {
    this.#limits = limits;
    this.#memory = memory;
    this.#journal = journal;
  }

  /** Wills by state; fates are counted since the start. */
  get counts(): Readonly<Record<WillState, number>> {
    const delayed = this.#delayed.size;
    return { armed: this.#records.size - delayed - this.#settled.size, delayed, ...this.#fates };
  }

  get settled(): number {
    return this.#settled.size;
  }

  /**
   * A store needs no record of it before its connection ends: it has the will itself. `id`: the one
   * that it had in a process before; null: a new one.
   */
  arm(
    facts: WillFacts,
    payload: Uint8Array,
    origin: WillOrigin,
    now: Millis,
    id: number | null = null,
  ): WillRecord {
    const own = id ?? this.#ids + 1;
    this.adopt(own);
    const record = new WillRecord(own, facts, payload, origin, now, this.#journal);
    this.#records.set(record.id, record);
    record.hold(this.#memory);
    return record;
  }

  /** A will of a process before has this id, though its record may come later. */
  adopt(id: number): void {
    this.#ids = Math.max(this.#ids, id);
  }

  /** A store has kept it. Nothing is forgotten until `endRestoring`. */
  restore(record: WillRecord): void {
    this.adopt(record.id);
    this.#records.set(record.id, record);
    record.hold(this.#memory);
    if (record.state === "delayed") this.#delayed.add(record);
    if (record.fate !== null) this.#countSettled(record);
  }

  /** Nothing more is restored. The store has them in the order in which they were armed. */
  endRestoring(): void {
    const settled = [...this.#settled].toSorted((a, b) => settledAt(a) - settledAt(b));
    this.#settled.clear();
    for (const record of settled) this.#settled.add(record);
    this.#keepToLimit();
  }

  delay(record: WillRecord, due: Millis, now: Millis): void {
    record.dueAt = due;
    record.step("delayed", now);
    this.#delayed.add(record);
    record.changed();
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
    this.#countSettled(record);
    this.#keepToLimit();
    record.changed();
  }

  #countSettled(record: WillRecord): void {
    this.#settled.add(record);
    this.#settledCharacters += record.origin.clientId.length;
  }

  #keepToLimit(): void {
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

function settledAt({ fate }: WillRecord): number {
  return fate?.at ?? 0;
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
