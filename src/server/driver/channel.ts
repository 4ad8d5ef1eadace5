import type { ConnectionId, DriverHolds, Input, ListenerPolicy } from "../../core/io.ts";
import { costs, type Memory } from "../../core/memory.ts";
import type { Link } from "../../transport/transport.ts";
import { PacketReader, type PacketReaderOptions } from "../../wire/reader.ts";
import { HeldOutput, HeldPart } from "./held-output.ts";
import type { Outbox, OutboxPool } from "./outbox.ts";
import type { Worker } from "./turns.ts";

/** What ends a connection. Handed in after the packets that the driver has already. */
export type Last = Input & { readonly type: "closed" | "kicked" };

/** Bytes of a client that mostly take a unit of work. */
const bytesOfUnit = 16;

/** As much in one read shows that more is to come. */
const floodBytes = 32 * 1024;

/** A CONNECT, or the late answer that lets it in. */
export interface Withheld {
  readonly clientId: string;
  readonly handIn: () => void;
}

/** What all channels of a driver share. */
interface ChannelsShare {
  readonly outboxes: OutboxPool;
  readonly memory: Memory;
}

/** The driver's side of one connection: its link, reader and output. */
export class Channel implements DriverHolds, Worker {
  readonly id: ConnectionId;
  link: Link;
  readonly listener: ListenerPolicy;
  readonly reader: PacketReader;
  /** For log lines; null until CONNECT is accepted. */
  clientId: string | null = null;
  /** The core knows the connection: at once, unless it could only refuse it. */
  admitted = false;
  /** Since it opened. */
  bytesReceived = 0;
  /** False once the core has closed the connection: the driver then hands in no more inputs. */
  open = true;
  /** The outbox has new bytes since the last flush. */
  dirty = false;
  /** The last other connection whose packets caused output; null: none has. */
  fedBy: ConnectionId | null = null;
  /** The link took fewer bytes than given and has not drained since. */
  waiting = false;
  /** Bytes of waiting output that answer the client's own packets. */
  replyBytes = 0;
  /** Messages sent to it since its last packet. */
  messagesSent = 0;
  busyUntil = 0;
  /**
   * Reasons not to read: authentication pending, output full, a turn of the loop to come, subscribers
   * slow, a batch for the store full.
   */
  holdAuthentication = false;
  /** To call if it ends before the answer about its credentials; null: nothing. */
  whenGone: (() => void) | null = null;
  holdOutput = false;
  holdTurn = false;
  holdPublisher = false;
  holdStore = false;
  /** Somebody waits until it is read: it does not wait for the store any more. */
  isEnding = false;
  /** The core has more to do for the packet handed in last. It goes on with it, whatever holds. */
  isCut = false;
  /** Waits until the driver has read the connection that it takes over; null: nothing does. */
  withheld: Withheld | null = null;
  /** Follows the buffered packets; null: nothing does. */
  last: Last | null = null;
  /** The core knows that its packets have to wait. */
  paused = false;
  /** The link is paused. */
  stopped = false;
  readonly #shared: ChannelsShare;
  /** Null: no output waits, and none of it lately was a message. */
  #outbox: Outbox | null = null;
  /** Output that waits for a commit; null: none does. */
  promised: HeldOutput | null = null;
  /** Bytes counted in the broker's memory. */
  #unreadBytes = 0;
  outputBytes = 0;

  constructor(
    id: ConnectionId,
    link: Link,
    listener: ListenerPolicy,
    reading: PacketReaderOptions,
    shared: ChannelsShare,
  ) {
    this.id = id;
    this.link = link;
    this.listener = listener;
    this.reader = new PacketReader(reading);
    this.#shared = shared;
  }

  get linkBytes(): number {
    return costs.channel + (this.link.ownBytes ?? 0);
  }

  get unfinishedBytes(): number {
    const { gatheredMemory, namesMemory } = this.reader;
    return this.#unreadBytes + gatheredMemory + namesMemory;
  }

  /** Nobody waits for an end, and who is only about to connect goes behind those who are connected. */
  get workAhead(): number {
    const { clientId, last, reader } = this;
    if (clientId === null || last !== null || reader.isLeaving) return Infinity;
    return reader.buffered / bytesOfUnit;
  }

  /** Counts the memory of input that stays unread. Incomplete packets are counted by the reader. */
  countUnread(): void {
    const bytes = this.reader.unreadMemory + (this.open ? (this.link.held ?? 0) : 0);
    if (bytes === this.#unreadBytes) return;
    this.#shared.memory.unfinished.take(bytes - this.#unreadBytes);
    this.#unreadBytes = bytes;
  }

  /** To append output to. */
  get outbox(): Outbox {
    const { promised } = this;
    if (promised === null) return this.ready;
    return (promised.next ?? promised.now)?.outbox ?? this.ready;
  }

  /** Output that may leave. */
  get ready(): Outbox {
    return (this.#outbox ??= this.#shared.outboxes.take());
  }

  /** Waiting bytes that may leave. */
  get readySize(): number {
    return this.#outbox === null ? 0 : this.#outbox.size;
  }

  /** Its peer has taken all that may leave; the rest waits for a commit, which is no fault of it. */
  get waitsForStore(): boolean {
    return this.promised !== null && this.readySize === 0;
  }

  /** Its link took all that the last write offered, and more would follow. */
  get hasPaused(): boolean {
    return this.#outbox !== null && this.#outbox.hasPaused;
  }

  /** Waiting bytes. */
  get outputSize(): number {
    return this.readySize + (this.promised === null ? 0 : this.promised.size);
  }

  /** What is appended from now on waits for the next commit. */
  promise(): HeldPart {
    this.promised ??= new HeldOutput();
    return (this.promised.next ??= new HeldPart(this.#shared.outboxes.take()));
  }

  /** A commit begins: what was held for the next one waits for it. */
  beginCommit(): void {
    const { promised } = this;
    if (promised === null) return;
    promised.now = promised.next;
    promised.next = null;
  }

  /** What waited for the commit under way may leave. */
  keepPromise(): void {
    const { promised } = this;
    if (promised === null) return;
    if (promised.now !== null) {
      const { outbox } = promised.now;
      this.ready.takeOver(outbox);
      this.#shared.outboxes.give(outbox);
      promised.now = null;
    }
    if (promised.next === null) this.promised = null;
  }

  /** What waits for a commit never leaves. */
  breakPromise(): void {
    const { promised } = this;
    if (promised === null) return;
    for (const part of [promised.now, promised.next]) {
      if (part === null) continue;
      part.outbox.clear();
      this.#shared.outboxes.give(part.outbox);
    }
    this.promised = null;
  }

  /** Counts the memory of output that stays after a flush. */
  countOutput(): void {
    const outbox = this.#outbox;
    // Who gets messages gets more of them: it keeps its own, which is faster.
    if (outbox !== null && this.messagesSent === 0 && outbox.size === 0 && outbox.held === 0) {
      this.#shared.outboxes.give(outbox);
      this.#outbox = null;
    }
    const inLink = this.open ? (this.link.unsent ?? 0) : 0;
    const own = this.#outbox === null ? 0 : this.#outbox.held;
    const bytes = own + (this.promised === null ? 0 : this.promised.held) + inLink;
    if (bytes === this.outputBytes) return;
    this.#shared.memory.output.take(bytes - this.outputBytes);
    this.outputBytes = bytes;
  }

  /** Whether its packets have to wait. */
  get held(): boolean {
    return this.holdTurn || this.holdAuthentication || this.#waitsForStore || this.#isHeldBack;
  }

  get #waitsForStore(): boolean {
    return this.holdStore && this.last === null && !this.isEnding;
  }

  /** Of a connection that ends, the rest is read whatever becomes of its output and publications. */
  get #isHeldBack(): boolean {
    return (
      this.withheld !== null || (this.last === null && (this.holdOutput || this.holdPublisher))
    );
  }

  /**
   * Whether its link has to pause. Until its turn or a batch comes it goes on, unless much has arrived
   * or even more arrives: to pause and resume it costs as much as to read a few packets. So does one
   * whose credentials are checked: a paused link would not tell that its client has gone.
   */
  get stops(): boolean {
    if (this.#isHeldBack) return true;
    if (!this.holdTurn && !this.holdAuthentication && !this.#waitsForStore) return false;
    const { hasWaiting, buffered } = this.reader;
    return this.last !== null || hasWaiting || buffered >= floodBytes;
  }

  /** Its link is closed, and all that it has sent was read. */
  get hasOnlyEnded(): boolean {
    const { last, reader, isCut } = this;
    return last?.type === "closed" && !isCut && reader.buffered === 0 && !this.held;
  }

  /** Packets of it, or its end, may wait in the driver; not those that its credentials decide on. */
  get isUnread(): boolean {
    const { holdTurn, holdPublisher, holdAuthentication, last, link } = this;
    const isEnding = last !== null && !holdAuthentication;
    return holdTurn || this.#waitsForStore || holdPublisher || isEnding || link.isBehind === true;
  }

  /** Drops waiting output: the link takes no more bytes, and no drain follows. */
  loseOutput(): void {
    this.#outbox?.clear();
    this.breakPromise();
    this.countOutput();
    this.waiting = false;
  }
}
