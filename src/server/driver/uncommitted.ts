import type { Journal } from "../../core/journal.ts";
import type { Channel } from "./channel.ts";
import type { Core } from "./core.ts";
import type { Loop } from "./loop.ts";

/**
 * Copies of messages that a batch may get, and bytes of their payloads, before publishers wait for
 * the next one. All others, acknowledgements first of all, wait at so many times as many changed
 * keys: what is acknowledged before its batch is made gives room back, and what the batch before has
 * put is to be deleted in this one.
 */
export const copiesOfBatch = 1000;
const keysOfCopies = 2.5;
const bytesOfBatch = 1024 * 1024;

/** Milliseconds after which a store is slow: who waits for it is read, as if there was room. */
const slowMs = 500;

export interface UncommittedParts {
  readonly loop: Loop;
  readonly core: Core;
  /** Copies of messages for a batch. */
  readonly copies: number;
  /** Called for each channel that waits no longer. */
  readonly readOn: (channel: Channel) => void;
}

/**
 * Bounds what the next batch for the store gets, and so how long a commit takes: a will waits for the
 * commit under way and for its own. Who has changed something durable is not read any more while the
 * batch is full, until it is made, or until acknowledgements have made room. Who changes nothing
 * durable is read on.
 */
export class Uncommitted {
  /** Inputs so far that changed something durable. */
  changes = 0;
  readonly #journal: Journal;
  readonly #parts: UncommittedParts;
  /** Of payloads published since the last batch was made. */
  #payloads = 0;
  /** Keys that were taken for a batch that is not complete. */
  #taken = 0;
  /** Have had their turn in this batch. */
  #served = new Set<Channel>();
  /** Had to wait, and again when their turn came: they go first. */
  #unserved = new Set<Channel>();
  /** Had to wait, and have not had their turn since. */
  readonly #owed = new Set<Channel>();
  /** The store is slow, or fails: nobody waits for it. */
  #isOpen = false;
  #stopTimer: (() => void) | null = null;

  constructor(journal: Journal, parts: UncommittedParts) {
    this.#journal = journal;
    this.#parts = parts;
  }

  /**
   * A channel's packet changed something durable: it may have to wait now. `payload`: bytes that it
   * published; null: it was no PUBLISH.
   */
  changedBy(channel: Channel, payload: number | null): void {
    this.#owed.delete(channel);
    this.#payloads += payload ?? 0;
    if (this.#isFull || (payload !== null && this.#isCrowded)) this.#wait(channel, this.#served);
  }

  /** Whether a channel whose turn has come has to wait again, since others have filled the batch. */
  putsOff(channel: Channel): boolean {
    // One that is to end may have waited until then.
    if (channel.isEnding || !this.#owed.has(channel) || !this.#isCrowded) return false;
    this.#wait(channel, this.#unserved);
    return true;
  }

  /** It gets no more from anybody. */
  get #isFull(): boolean {
    const keys = this.#journal.size + this.#taken;
    return !this.#isOpen && keys >= this.#parts.copies * keysOfCopies;
  }

  /** It gets no more from publishers. */
  get #isCrowded(): boolean {
    if (this.#isOpen) return false;
    const { published } = this.#journal;
    return this.#isFull || published >= this.#parts.copies || this.#bytes >= bytesOfBatch;
  }

  /** Payloads: a message to many counts once, and one that was acknowledged not at all. */
  get #bytes(): number {
    return Math.min(this.#payloads, this.#journal.publishedBytes);
  }

  #wait(channel: Channel, among: Set<Channel>): void {
    if (channel.isEnding) return;
    channel.holdStore = true;
    among.add(channel);
    if (this.#stopTimer === null) this.#limit();
  }

  #limit(): void {
    const { loop, core } = this.#parts;
    this.#stopTimer = loop.after(slowMs, () =>
      core.call(() => {
        // It takes some turns to make a batch, however slow the store is.
        if (this.#taken > 0) this.#limit();
        else this.open();
      }),
    );
  }

  /** Acknowledgements may have made room. */
  readIfRoomy(): void {
    if (this.#served.size + this.#unserved.size === 0) return;
    const { published } = this.#journal;
    if (!this.#isCrowded && published * 2 <= this.#parts.copies) this.#release();
  }

  /** A part of a batch was taken: what changes until it is complete belongs to it. */
  taken(keys: number): void {
    this.#taken += keys;
    this.#isOpen = false;
  }

  /** The batch was made: the next one has room. */
  made(): void {
    this.#taken = 0;
    this.#payloads = 0;
    this.#release();
  }

  /** The store is slow, or fails: until it has room for the next batch nobody waits for it. */
  open(): void {
    this.#isOpen = true;
    this.#release();
  }

  #release(): void {
    this.#stopTimer?.();
    this.#stopTimer = null;
    const waiting = [...this.#unserved, ...this.#served];
    this.#unserved.clear();
    this.#served.clear();
    this.#owed.clear();
    for (const channel of waiting) {
      channel.holdStore = false;
      if (!channel.open) continue;
      if (channel.reader.buffered > 0) this.#owed.add(channel);
      this.#parts.readOn(channel);
    }
  }
}
