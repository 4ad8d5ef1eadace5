import type { Change } from "./durable.ts";
import {
  outgoingRecord,
  queuedRecord,
  sessionRecord,
  subscriptionRecord,
  willRecord,
} from "./durable-values.ts";
import type { BatchPart, Journal, KeptMessage } from "./journal.ts";
import type { Millis } from "./io.ts";
import type { Message } from "./packet.ts";
import type { Session } from "./session.ts";
import { SmallMap } from "./small-map.ts";
import { type Standing, standingOf } from "./standing.ts";

/** What the store has of a session's parts, by their keys. Created with their first entries. */
class Kept {
  #filters: Set<string> | null = null;
  /** Of most sessions it is one. */
  #filter: string | null = null;
  #queued: SmallMap<number, KeptMessage> | null = null;
  #outgoing: SmallMap<number, KeptMessage> | null = null;
  #incoming: Set<number> | null = null;

  get filters(): readonly string[] {
    if (this.#filters !== null) return [...this.#filters];
    return this.#filter === null ? [] : [this.#filter];
  }

  addFilter(filter: string): void {
    if (this.#filters !== null) this.#filters.add(filter);
    else if (this.#filter === null) this.#filter = filter;
    else if (this.#filter !== filter) this.#filters = new Set([this.#filter, filter]);
  }

  /** False: it has none of that name. */
  deleteFilter(filter: string): boolean {
    if (this.#filters !== null) return this.#filters.delete(filter);
    const isKnown = this.#filter === filter;
    if (isKnown) this.#filter = null;
    return isKnown;
  }

  get queued(): SmallMap<number, KeptMessage> {
    return (this.#queued ??= new SmallMap());
  }

  get outgoing(): SmallMap<number, KeptMessage> {
    return (this.#outgoing ??= new SmallMap());
  }

  hasQueued(place: number): boolean {
    return this.#queued?.get(place) !== undefined;
  }

  hasOutgoing(packetId: number): boolean {
    return this.#outgoing?.get(packetId) !== undefined;
  }

  get incoming(): Set<number> {
    return (this.#incoming ??= new Set());
  }

  hasFilter(filter: string): boolean {
    return this.#filters?.has(filter) ?? this.#filter === filter;
  }

  hasIncoming(packetId: number): boolean {
    return this.#incoming?.has(packetId) === true;
  }

  /** Of all copies. */
  *messages(): Generator<KeptMessage, void, void> {
    if (this.#queued !== null) yield* this.#queued.values();
    if (this.#outgoing !== null) yield* this.#outgoing.values();
  }
}

/** Where a session's latest connection came from, and its keepalive; for people. */
export interface Origin {
  readonly listener: string;
  readonly remote: string;
  readonly connectedAt: Millis;
  readonly keepAliveSeconds: number;
}

/**
 * What changed of one session since the last batch, and what the store has of it. A session that
 * ends with its connection is not durable: of it only its will is kept, with the session's own
 * record.
 */
export class SessionJournal {
  readonly #session: Session;
  readonly #journal: Journal;
  /** Of the session in the store; 0: the store has nothing of it. */
  #number = 0;
  #kept: Kept | null = null;
  /** Null: no CONNECT was accepted yet. */
  origin: Origin | null = null;
  #hasWill = false;
  #hasEnded = false;
  /** In the store, or in the batch under way; null: nothing of it is. */
  #standing: Standing | null = null;
  // What changed. Created with their first entries.
  #isOwnChanged = false;
  #isWillChanged = false;
  #filters: Set<string> | null = null;
  #places: Set<number> | null = null;
  #packetIds: Set<number> | null = null;
  #incoming: Set<number> | null = null;

  constructor(session: Session, journal: Journal) {
    this.#session = session;
    this.#journal = journal;
  }

  /** Its connection, expiry or access changed. */
  changed(): void {
    const isKept = this.#isDurable || this.#number > 0 || this.#session.will !== null;
    if (!isKept || this.#journal.isAdopting) return;
    this.#isOwnChanged = true;
    this.#journal.changed(this);
  }

  willChanged(): void {
    if (this.#hasEnded || this.#journal.isAdopting) return;
    this.#isWillChanged = true;
    this.#journal.changed(this);
  }

  subscriptionChanged(filter: string): void {
    if (!this.#isDurable) return;
    const isKept =
      this.#session.subscriptions.get(filter) !== undefined ||
      this.#kept?.hasFilter(filter) === true;
    if (isKept) this.#keyChanged((this.#filters ??= new Set()), filter);
    else this.#keyGone(this.#filters, filter);
  }

  /** A place of its queue was taken or left by a message of QoS 1 or 2. */
  queueChanged(place: number, message: Message): void {
    if (!this.#isDurable) return;
    const isThere = this.#session.queue.at(place) !== undefined;
    const isKept = this.#kept?.hasQueued(place) === true;
    this.#copyChanged((this.#places ??= new Set()), place, message, isThere, isKept);
  }

  outgoingChanged(packetId: number, message: Message | null): void {
    if (!this.#isDurable) return;
    const isThere = this.#session.outgoing.get(packetId) !== null;
    const isKept = this.#kept?.hasOutgoing(packetId) === true;
    this.#copyChanged((this.#packetIds ??= new Set()), packetId, message, isThere, isKept);
  }

  incomingChanged(packetId: number): void {
    if (!this.#isDurable) return;
    const isKept =
      this.#session.incoming.has(packetId) || this.#kept?.hasIncoming(packetId) === true;
    if (isKept) this.#keyChanged((this.#incoming ??= new Set()), packetId);
    else this.#keyGone(this.#incoming, packetId);
  }

  /** A copy of a message changed. Whether the session has it, and whether the store has. */
  #copyChanged(
    keys: Set<number>,
    key: number,
    message: Message | null,
    isThere: boolean,
    isKept: boolean,
  ): void {
    const journal = this.#journal;
    const bytes = message?.payload.length ?? 0;
    if (isThere || isKept) {
      if (this.#keyChanged(keys, key) && !isKept) journal.publish(1, bytes);
    } else if (this.#keyGone(keys, key)) journal.publish(-1, -bytes);
  }

  /** It came and went between two batches. False: it had not changed. */
  #keyGone<Key>(keys: Set<Key> | null, key: Key): boolean {
    const isGone = keys?.delete(key) === true;
    if (isGone) this.#journal.keys -= 1;
    return isGone;
  }

  /** False: it had changed before. */
  #keyChanged<Key>(keys: Set<Key>, key: Key): boolean {
    const { size } = keys;
    keys.add(key);
    const isAdded = keys.size > size;
    if (isAdded) this.#journal.keys += 1;
    this.#journal.changed(this);
    return isAdded;
  }

  /** The session ended, and all that belongs to it. */
  ended(): void {
    this.#hasEnded = true;
    if (this.#number > 0) return this.#journal.changed(this);
    this.#setKeys(null, null, null, null);
    this.#journal.gone(this);
  }

  get #isDurable(): boolean {
    const { expiryIntervalSeconds } = this.#session;
    return expiryIntervalSeconds > 0 && !this.#hasEnded && !this.#journal.isAdopting;
  }

  /** Whether a session in a store is newer than this one. */
  isOlderThan({ session }: { readonly session: number }): boolean {
    return this.#number > 0 && this.#number < session;
  }

  /** What the store may have of it now: a batch under way, or one that failed, may be on the disk. */
  get standings(): readonly (Standing | null)[] {
    const before = this.#journal.standingBefore(this);
    return before === undefined ? [this.#standing] : [before, this.#standing];
  }

  #stands(standing: Standing | null): void {
    this.#journal.exchanged(this, this.#standing);
    this.#standing = standing;
  }

  /** The store has the session under this number. */
  adopt(number: number): void {
    this.#number = number;
    this.#standing = standingOf(this.#session);
    this.#journal.adoptSession(number);
    if (this.#session.expiryIntervalSeconds > 0) this.#kept = new Kept();
  }

  adoptSubscription(filter: string): void {
    this.#kept?.addFilter(filter);
  }

  adoptQueued(place: number, message: KeptMessage): void {
    if (this.#kept !== null) adopt(this.#kept.queued, place, message);
  }

  adoptOutgoing(packetId: number, message: KeptMessage): void {
    if (this.#kept !== null) adopt(this.#kept.outgoing, packetId, message);
  }

  adoptIncoming(packetId: number): void {
    this.#kept?.incoming.add(packetId);
  }

  adoptWill(): void {
    this.#hasWill = true;
    this.#standing = standingOf(this.#session);
  }

  /** Appends what changed to a part of a batch. False: the part is full, and keys are left. */
  take(part: BatchPart): boolean {
    const { changes } = part;
    const session = this.#session;
    const isNeeded = !this.#hasEnded && (this.#isDurable || session.will !== null);
    if (!isNeeded) {
      this.#leave(changes);
      this.#setKeys(null, null, null, null);
    } else {
      if (this.#number === 0 || this.#isOwnChanged) {
        if (this.#number === 0) this.#number = this.#journal.nextSession();
        changes.push({ put: "session", value: sessionRecord(session, this.#number) });
        this.#stands(standingOf(session));
        this.#isOwnChanged = false;
      }
      if (!this.#takeParts(part)) return false;
      this.#takeWill(changes);
    }
    this.#isOwnChanged = false;
    this.#isWillChanged = false;
    // Last: a part with room for one key gets on.
    part.room -= 1;
    return true;
  }

  #setKeys(
    filters: Set<string> | null,
    places: Set<number> | null,
    packetIds: Set<number> | null,
    incoming: Set<number> | null,
  ): void {
    const { size } = this;
    this.#filters = filters;
    this.#places = places;
    this.#packetIds = packetIds;
    this.#incoming = incoming;
    this.#journal.keys += this.size - size;
  }

  /** Keys that changed. */
  get size(): number {
    const keys = (this.#filters?.size ?? 0) + (this.#places?.size ?? 0);
    return keys + (this.#packetIds?.size ?? 0) + (this.#incoming?.size ?? 0);
  }

  /** Nothing of it is to be kept any more. */
  #leave(changes: Change[]): void {
    if (this.#number === 0) return;
    changes.push({ delete: "session", session: this.#number });
    this.#stands(null);
    this.#number = 0;
    this.#hasWill = false;
    const kept = this.#kept;
    this.#kept = null;
    for (const message of kept?.messages() ?? []) this.#journal.release(message);
  }

  /** False: the part is full, and keys are left. */
  #takeParts(part: BatchPart): boolean {
    const session = this.#session;
    if (this.#isDurable && this.#kept === null) {
      this.#kept = new Kept();
      this.#setKeys(
        new Set(session.subscriptions.keys()),
        new Set(session.queue.places()),
        new Set(session.outgoing.packetIds()),
        new Set(session.incoming),
      );
    } else if (!this.#isDurable && this.#kept !== null) {
      const { filters, queued, outgoing, incoming } = this.#kept;
      this.#setKeys(
        new Set(filters),
        new Set(queued.keys()),
        new Set(outgoing.keys()),
        new Set(incoming),
      );
    }
    const kept = this.#kept;
    const { changes } = part;
    const isAll =
      kept === null ||
      (this.#takeKeys(this.#filters, part, (filter) => this.#takeFilter(kept, filter, changes)) &&
        this.#takeKeys(this.#places, part, (place) => this.#takePlace(kept, place, changes)) &&
        this.#takeKeys(this.#packetIds, part, (id) => this.#takeOutgoing(kept, id, changes)) &&
        this.#takeKeys(this.#incoming, part, (id) => this.#takeIncoming(kept, id, changes)));
    if (!isAll) return false;
    if (!this.#isDurable) this.#kept = null;
    this.#setKeys(null, null, null, null);
    return true;
  }

  /** False: the part is full, and keys are left. */
  #takeKeys<Key>(keys: Set<Key> | null, part: BatchPart, take: (key: Key) => void): boolean {
    if (keys === null) return true;
    for (const key of keys) {
      if (part.isFull) return false;
      part.room -= 1;
      keys.delete(key);
      this.#journal.keys -= 1;
      take(key);
    }
    return true;
  }

  #takeFilter(kept: Kept, filter: string, changes: Change[]): void {
    const session = this.#number;
    const subscription = this.#isDurable ? this.#session.subscriptions.get(filter) : undefined;
    if (subscription !== undefined) {
      kept.addFilter(filter);
      const owesRetained = this.#session.replays.has(filter);
      const value = subscriptionRecord(subscription, session, owesRetained);
      changes.push({ put: "subscription", value });
    } else if (kept.deleteFilter(filter)) changes.push({ delete: "subscription", session, filter });
  }

  #takePlace({ queued }: Kept, place: number, changes: Change[]): void {
    const session = this.#number;
    const item = this.#isDurable ? this.#session.queue.at(place) : undefined;
    if (item !== undefined && item.copy.qos > 0) {
      const kept = this.#exchange(queued, place, item.message, changes);
      changes.push({ put: "queued", value: queuedRecord(item, session, place, kept.number) });
    } else if (this.#drop(queued, place)) changes.push({ delete: "queued", session, place });
  }

  #takeOutgoing({ outgoing: window }: Kept, packetId: number, changes: Change[]): void {
    const session = this.#number;
    const outgoing = this.#isDurable ? this.#session.outgoing.get(packetId) : null;
    const message = outgoing?.message ?? null;
    if (outgoing !== null && message !== null) {
      const kept = this.#exchange(window, packetId, message, changes);
      changes.push({ put: "outgoing", value: outgoingRecord(outgoing, session, kept.number) });
    } else if (this.#drop(window, packetId)) {
      changes.push({ delete: "outgoing", session, packetId });
    }
  }

  #takeIncoming({ incoming }: Kept, packetId: number, changes: Change[]): void {
    const session = this.#number;
    if (this.#isDurable && this.#session.incoming.has(packetId)) {
      incoming.add(packetId);
      changes.push({ put: "incoming", value: { session, packetId } });
    } else if (incoming.delete(packetId)) changes.push({ delete: "incoming", session, packetId });
  }

  #takeWill(changes: Change[]): void {
    const { will } = this.#session;
    if (!this.#isWillChanged) return;
    this.#stands(standingOf(this.#session));
    if (will !== null) {
      this.#hasWill = true;
      changes.push({ put: "will", value: willRecord(will, this.#number) });
    } else if (this.#hasWill) {
      this.#hasWill = false;
      changes.push({ delete: "will", session: this.#number });
    }
  }

  /** The record under a key refers to this message from now on. */
  #exchange(
    kept: SmallMap<number, KeptMessage>,
    key: number,
    message: Message,
    changes: Change[],
  ): KeptMessage {
    const before = kept.get(key);
    const next = this.#journal.keep(message, changes);
    kept.set(key, next);
    if (before !== undefined) this.#journal.release(before);
    return next;
  }

  /** False: the store has no record under the key. */
  #drop(kept: SmallMap<number, KeptMessage>, key: number): boolean {
    const before = kept.get(key);
    if (before === undefined) return false;
    kept.delete(key);
    this.#journal.release(before);
    return true;
  }
}

function adopt(kept: SmallMap<number, KeptMessage>, key: number, message: KeptMessage): void {
  kept.set(key, message);
  message.keepers += 1;
}
