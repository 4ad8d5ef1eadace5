import type { Change, Changes, DurableMessage } from "./durable.ts";
import type { Millis } from "./io.ts";
import type { Message } from "./packet.ts";
import { messageRecord } from "./durable-values.ts";
import type { RecordJournal } from "./records/records.ts";
import type { Retained } from "./retained.ts";
import type { Session } from "./session.ts";
import { SessionJournal } from "./session-journal.ts";
import type { Standing } from "./standing.ts";
import { isServerOwned } from "./topic.ts";

/** A message that the store has, or gets with the batch that is being made. */
export class KeptMessage {
  readonly message: Message;
  readonly number: number;
  /** Copies and retained topics in the store that refer to it. */
  keepers = 0;

  constructor(message: Message, number: number) {
    this.message = message;
    this.number = number;
  }
}

/** What is taken of the journal at once. */
export class BatchPart {
  readonly changes: Change[] = [];
  /** Keys that it may still take. */
  room: number;

  constructor(room: number) {
    this.room = room;
  }

  get isFull(): boolean {
    return this.room <= 0;
  }
}

/**
 * What changed of the durable state since the last batch: keys only. A batch reads the state as it
 * is when it is made, so several changes of one key are one change, and what came and went in
 * between is none: a message that was acknowledged before never touches the disk. Nor does it stay
 * here: there are no more keys than what the broker holds and what the store has, both of which
 * `limits` bound, however long a commit takes.
 */
export class Journal {
  /** The input that is being handled changed something durable. */
  hasChanged = false;
  /** A session is made of what the store has: that changes nothing. */
  isAdopting = false;
  /** What is remembered for people; null: nothing is. */
  remembered: RecordJournal | null = null;
  /** Changed keys of sessions. */
  keys = 0;
  #published = 0;
  #publishedBytes = 0;
  #retained: Retained | null = null;
  /** Sessions of which something changed, also ended ones. */
  readonly #sessions = new Set<SessionJournal>();
  readonly #topics = new Set<string>();
  /** Of sessions in the batch under way, what the store has of them until that is kept. */
  readonly #standings = new Map<SessionJournal, Standing | null>();
  /** Messages that lost a keeper since the last batch. */
  readonly #released = new Set<KeptMessage>();
  /** Of each topic that the store has. */
  readonly #keptTopics = new Map<string, KeptMessage>();
  /** By their numbers, while what the store has is restored. */
  readonly #adopted = new Map<number, KeptMessage>();
  /** Numbers of sessions in the store that are not wanted. */
  readonly #forgotten: number[] = [];
  #lastSession: number;
  #lastMessage = 0;

  /** The numbers of sessions begin above `now`, so that none is used again after a restart. */
  constructor(now: Millis) {
    this.#lastSession = Math.floor(now);
  }

  /** Where the retained messages are. */
  watch(retained: Retained): void {
    this.#retained = retained;
  }

  /** Nothing changed since the last batch that has to be kept now. */
  get isClean(): boolean {
    return this.size === 0;
  }

  /** What publishers fill a batch with: copies that the store has not, and retained messages. */
  get published(): number {
    return this.#published + this.#topics.size;
  }

  /**
   * Payloads of those copies, each as often as there are copies, and of every retained message that
   * came, also of one that was replaced since.
   */
  get publishedBytes(): number {
    return this.#publishedBytes;
  }

  /** Keys that changed since the last batch and have to be kept now. */
  get size(): number {
    const urgent = this.remembered?.urgent ?? 0;
    const others = this.#released.size + this.#forgotten.length;
    return this.#sessions.size + this.keys + this.#topics.size + others + urgent;
  }

  /** Nothing waits for what the input changed: it is kept with the next batch. */
  late(): void {
    this.hasChanged = false;
  }

  open(session: Session): SessionJournal {
    return new SessionJournal(session, this);
  }

  /** Something of a session changed. */
  changed(session: SessionJournal): void {
    this.hasChanged = true;
    this.#sessions.add(session);
  }

  /** A session ended of which the store has nothing. */
  gone(session: SessionJournal): void {
    this.#sessions.delete(session);
  }

  /** Copies of messages that the store has not came, or (below 0) went before a batch was made. */
  publish(copies: number, bytes: number): void {
    this.#published += copies;
    this.#publishedBytes += bytes;
  }

  /** A topic's retained message changed; `bytes` of payload. The broker's own are not durable. */
  retainedChanged(topic: string, bytes: number): void {
    if (isServerOwned(topic)) return;
    this.hasChanged = true;
    this.#publishedBytes += bytes;
    const isKept = this.#retained?.has(topic) === true || this.#keptTopics.has(topic);
    if (isKept) this.#topics.add(topic);
    else this.#topics.delete(topic);
  }

  nextSession(): number {
    this.#lastSession += 1;
    return this.#lastSession;
  }

  /**
   * What changed since the last batch, as far as so many keys reach. A batch is all that is taken
   * until the journal is clean: what changes between two parts is taken again, and so the batch as a
   * whole is the state of that moment. A part alone is of no moment.
   */
  take(most = Infinity): Changes {
    const part = new BatchPart(most);
    this.#take(part);
    if (this.isClean) this.#published = this.#publishedBytes = 0;
    return part.changes;
  }

  #take(part: BatchPart): void {
    const { changes } = part;
    for (const session of this.#forgotten.splice(0, part.room)) {
      part.room -= 1;
      changes.push({ delete: "session", session });
    }
    for (const session of this.#sessions) {
      if (part.isFull || !session.take(part)) return;
      this.#sessions.delete(session);
    }
    for (const topic of this.#topics) {
      if (part.isFull) return;
      part.room -= 1;
      this.#topics.delete(topic);
      this.#takeTopic(topic, changes);
    }
    for (const kept of this.#released) {
      if (part.isFull) return;
      part.room -= 1;
      this.#released.delete(kept);
      // Another copy may have taken it over.
      if (kept.keepers > 0 || this.#adopted.has(kept.number)) continue;
      kept.message.kept = null;
      changes.push({ delete: "message", message: kept.number });
    }
    this.remembered?.take(part);
  }

  /** What was taken is kept: all of the batch. */
  kept(): void {
    this.#standings.clear();
  }

  /** The batch that is being made changes what the store has of a session. */
  exchanged(session: SessionJournal, before: Standing | null): void {
    if (!this.#standings.has(session)) this.#standings.set(session, before);
  }

  /** Undefined: the batch under way does not change what the store has of the session. */
  standingBefore(session: SessionJournal): Standing | null | undefined {
    return this.#standings.get(session);
  }

  /** The store has these messages, to which what is restored next refers. */
  adopt(messages: readonly DurableMessage[]): void {
    for (const record of messages) {
      const { message: number, topic, payload, qos, retain, properties, expiresAt } = record;
      // No spread: there may be a million.
      const message: Message = {
        topic,
        payload,
        qos,
        retain,
        properties,
        expiresAt,
        frame: null,
        owned: true,
        keepers: 0,
        kept: null,
      };
      message.kept = new KeptMessage(message, number);
      this.#adopted.set(number, message.kept);
      if (number > this.#lastMessage) this.#lastMessage = number;
    }
  }

  /** A message that the store has; null: it has none with that number. */
  adopted(number: number): KeptMessage | null {
    return this.#adopted.get(number) ?? null;
  }

  /** The store has a retained message. Null: its message is not there. */
  adoptRetained(topic: string, number: number): Message | null {
    const kept = this.adopted(number);
    if (kept === null) return null;
    kept.keepers += 1;
    this.#keptTopics.set(topic, kept);
    return kept.message;
  }

  /** The store has a session under this number. */
  adoptSession(number: number): void {
    if (number > this.#lastSession) this.#lastSession = number;
  }

  /** A session in the store is not wanted. */
  forget(session: number): void {
    this.hasChanged = true;
    this.#forgotten.push(session);
  }

  /** Nothing more is restored: messages to which nothing refers go. */
  endAdoption(): void {
    for (const kept of this.#adopted.values()) {
      if (kept.keepers > 0) continue;
      this.#released.add(kept);
      this.hasChanged = true;
    }
    this.#adopted.clear();
  }

  #takeTopic(topic: string, changes: Change[]): void {
    const message = this.#retained?.get(topic) ?? null;
    const before = this.#keptTopics.get(topic);
    if (message === null) {
      if (before === undefined) return;
      this.#keptTopics.delete(topic);
      changes.push({ delete: "retained", topic });
    } else {
      const kept = this.keep(message, changes);
      this.#keptTopics.set(topic, kept);
      changes.push({ put: "retained", value: { topic, message: kept.number } });
    }
    if (before !== undefined) this.release(before);
  }

  /** A record is about to refer to a message: puts that into the batch, if the store has it not. */
  keep(message: Message, changes: Change[]): KeptMessage {
    let kept = message.kept ?? null;
    if (kept === null) {
      this.#lastMessage += 1;
      kept = new KeptMessage(message, this.#lastMessage);
      message.kept = kept;
      changes.push({ put: "message", value: messageRecord(kept) });
    }
    kept.keepers += 1;
    return kept;
  }

  release(kept: KeptMessage): void {
    kept.keepers -= 1;
    if (kept.keepers === 0) this.#released.add(kept);
  }
}
