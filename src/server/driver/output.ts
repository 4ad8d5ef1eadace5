import { assert } from "../../core/assert.ts";
import type { Budget } from "../../core/budget.ts";
import type { ConnectionId, Delivery, Effect, Input } from "../../core/io.ts";
import type { ProtocolVersion, ServerPacket } from "../../core/packet.ts";
import { largeBuffer } from "./buffer-pool.ts";
import type { Channel } from "./channel.ts";
import { DeliveryWriter } from "./copies.ts";
import { isPromise, type HeldPart } from "./held-output.ts";
import type { Outbox } from "./outbox.ts";
import type { Progress } from "./progress.ts";
import { writeAcks, writeServerPacket } from "./server-packets.ts";

/** Work of one write, and bytes whose writing costs as much as a unit of work. */
const unitsOfWrite = 3;
const bytesInUnit = 2500;
/** This much output is flushed before the callback ends, while it still fits one buffer. */
const earlyFlushBytes = (largeBuffer * 3) / 4;

/** So many turns output may wait for more that the same cut input will cause. */
const turnsOfGathering = 6;

/** More output is written behind that of channels with less, as much of it at a time; bytes. */
const smallBytes = 16 * 1024;
const enoughAtOnce = 128 * 1024;

/** As many answers may wait for a connection while memory is short; bytes. */
const fewReplies = 64 * 1024;

/** Of each commit, channels whose wait for it is reported at a time: half a millisecond. */
const reportedAtOnce = 500;

/** What the output asks of its driver. */
interface OutputOwner {
  /** Whether to leave the rest of the work for a later turn. */
  readonly isOver: () => boolean;
  /** Memory is short. */
  readonly isShort: () => boolean;
  readonly enqueue: (input: Input) => void;
  /** All waiting output of a channel was written. */
  readonly written: (channel: Channel) => void;
  /** The answers to a channel's packets fill its output: read no more of it. */
  readonly full: (channel: Channel) => void;
}

/** The output of all connections: gathered while effects are executed, written afterwards. */
export class Output {
  /** Waiting bytes of one connection above which deliveries to it stop. */
  limit: number;
  bytesSent = 0;
  readonly #budget: Budget;
  readonly #owner: OutputOwner;
  readonly #progress: Progress;
  readonly #writer = new DeliveryWriter();
  /** Channels to write, first in, first out; those before the index are done. */
  readonly #dirty: Channel[] = [];
  #done = 0;
  /** Those of them with much output. */
  readonly #large = new Set<Channel>();
  /** The turn has written nothing of them yet. */
  #owesLarge = false;
  /** Channels that several connections feed: written once, in the next turn. */
  #shared: Channel[] = [];
  /** Connections of which a turn has cut the input: more output of it follows. */
  readonly #cutSources = new Set<ConnectionId>();
  /** Channels whose output waits for that, and since how many turns the first of them waits. */
  #gathered: Channel[] = [];
  #turnsOfGathered = 0;
  /** Channels to write before this index have waited long enough. */
  #gatheredUntil = 0;
  /** The effects that are carried out promise something that a commit has yet to keep. */
  isPromise = false;
  /** The message that is delivered is a will. */
  #isWill = false;
  /** Channels whose output waits for the commit under way, and for the one after it. */
  #promisedNow = new Set<Channel>();
  #promisedNext = new Set<Channel>();
  /** The connection whose packets are handled; null: it is something else. */
  source: ConnectionId | null = null;

  constructor(limit: number, budget: Budget, progress: Progress, owner: OutputOwner) {
    this.limit = limit;
    this.#budget = budget;
    this.#progress = progress;
    this.#owner = owner;
  }

  /** Starts the copies of another message. */
  begin(effect: Effect & { readonly type: "deliver" }): void {
    const { message, expirySeconds, frame, to, isWill } = effect;
    this.#isWill = isWill;
    this.#writer.begin(message, expirySeconds, frame, to.length);
  }

  /** Appends one copy of the message. */
  deliver(channel: Channel, delivery: Delivery, packetId: number): void {
    if (this.isPromise && (delivery.qos === 2 || this.#isWill)) {
      const promised = this.#promise(channel);
      // A will is sent twice rather than never.
      if (delivery.qos === 2) promised.isPromise = true;
    }
    const { outbox } = channel;
    this.#writer.write(outbox, delivery, packetId);
    channel.messagesSent += 1;
    this.#appended(channel, outbox);
  }

  /** Appends a copy of each packet of a run. `packetIds` null: they have none. */
  forward(
    channel: Channel,
    { run, count }: Effect & { readonly type: "forward" },
    packetIds: readonly number[] | null,
  ): void {
    if (this.isPromise && run.qos === 2) this.#promise(channel).isPromise = true;
    const { outbox } = channel;
    if (packetIds === null) outbox.forward(run.bytes, run.bounds[0]!, run.bounds[count]!);
    else outbox.forwardRun(run, packetIds);
    channel.messagesSent += count;
    this.#appended(channel, outbox);
  }

  /** Appends acknowledgements of one type. */
  acknowledge(
    channel: Channel,
    { version, by, packetIds }: Effect & { readonly type: "acknowledge" },
  ): void {
    if (this.isPromise) this.#promise(channel).isPromise = true;
    const { outbox } = channel;
    const before = outbox.size;
    writeAcks(outbox, version, by, packetIds);
    channel.replyBytes += outbox.size - before;
    this.#appended(channel, outbox);
  }

  /** What is appended from now on leaves after the next commit. */
  #promise(channel: Channel): HeldPart {
    this.#promisedNext.add(channel);
    return channel.promise();
  }

  send(channel: Channel, version: ProtocolVersion, packet: ServerPacket): void {
    if (this.isPromise && isPromise(packet)) {
      const promised = this.#promise(channel);
      promised.isPromise = true;
      if (packet.type === "connack") promised.hasConnack = true;
    }
    const { outbox } = channel;
    const before = outbox.size;
    writeServerPacket(outbox, version, packet);
    channel.replyBytes += outbox.size - before;
    this.#appended(channel, outbox);
  }

  #appended(channel: Channel, outbox: Outbox): void {
    if (!channel.dirty) this.add(channel);
    if (outbox.buffered < earlyFlushBytes || channel.waiting) return;
    if (channel.promised !== null) return;
    if (!this.#owner.isOver()) this.write(channel);
  }

  /**
   * Writes a channel's output at the next `flush`, or at the one after `beginTurn` if the last
   * output was caused by another connection: then more of them are likely in the same poll.
   */
  add(channel: Channel): void {
    if (channel.dirty) return;
    channel.dirty = true;
    const { source } = this;
    if (source === null || source === channel.id || source === channel.fedBy) {
      this.#dirty.push(channel);
      return;
    }
    const list = channel.fedBy === null ? this.#dirty : this.#shared;
    channel.fedBy = source;
    list.push(channel);
  }

  /** Output waits for a turn to begin. */
  get hasLater(): boolean {
    return this.#shared.length > 0 || this.#gathered.length > 0;
  }

  /**
   * A turn begins, so the poll is over: the next `flush` writes the output that several connections
   * have caused, and of one channel with much.
   */
  beginTurn(): void {
    this.#owesLarge = true;
    if (this.#shared.length > 0) {
      for (const channel of this.#shared) this.#dirty.push(channel);
      this.#shared = [];
    }
    if (this.#gathered.length > 0 && ++this.#turnsOfGathered >= turnsOfGathering) this.#ungather();
  }

  /**
   * Whether a turn has cut the input of a connection. What its packets cause for others is then
   * written once for several turns: to write is dearer than to copy.
   */
  sourceIsCut(source: ConnectionId, isCut: boolean): void {
    if (isCut) this.#cutSources.add(source);
    else if (this.#cutSources.delete(source) && this.#cutSources.size === 0) this.#ungather();
  }

  #ungather(): void {
    for (const channel of this.#gathered) this.#dirty.push(channel);
    this.#gathered = [];
    this.#turnsOfGathered = 0;
    this.#gatheredUntil = this.#dirty.length;
  }

  /** Whether more output of a cut input follows soon, and nobody waits for an answer in it. */
  #isGathered({ fedBy, replyBytes, open, waiting }: Channel): boolean {
    if (this.#cutSources.size === 0 || fedBy === null) return false;
    if (this.#done <= this.#gatheredUntil) return false;
    return open && !waiting && replyBytes === 0 && this.#cutSources.has(fedBy);
  }

  /** No output has to be written. */
  get isFlushed(): boolean {
    return this.#done === this.#dirty.length && this.#large.size === 0;
  }

  /**
   * Writes output until the turn is over, of one channel at least: of one with little if there is
   * any. Those go ahead, and leave half of the budget to the others. True: some is left.
   */
  flush(): boolean {
    const { spent, limit } = this.#budget;
    this.#writeSmall(spent + (limit - spent) / 2);
    if (this.#large.size > 0) this.#writeLarge();
    this.#owesLarge = false;
    if (!this.#owner.isOver()) this.#writeSmall(limit);
    return !this.isFlushed;
  }

  #writeSmall(until: number): void {
    while (this.#done < this.#dirty.length) {
      const channel = this.#dirty[this.#done++]!;
      if (this.#isGathered(channel)) {
        this.#gathered.push(channel);
        continue;
      }
      if (channel.readySize > smallBytes) {
        this.#large.add(channel);
        continue;
      }
      channel.dirty = false;
      this.write(channel);
      if (this.#owner.isOver()) break;
      if (this.#large.size > 0 && this.#budget.spent >= until) break;
    }
    if (this.#done < this.#dirty.length) return;
    this.#dirty.length = 0;
    this.#done = 0;
    this.#gatheredUntil = 0;
  }

  #writeLarge(): void {
    for (const channel of this.#large) {
      if (this.#owner.isOver() && !this.#owesLarge) return;
      this.#owesLarge = false;
      this.#large.delete(channel);
      channel.dirty = false;
      this.write(channel, enoughAtOnce);
    }
  }

  /**
   * Writes a client's answers now, if they would wait for output that others have caused, and there
   * is not much of them.
   */
  flushOwn(channel: Channel): void {
    if (!channel.dirty || channel.readySize > smallBytes) return;
    const isBehind = this.#done > 0 || this.#large.size > 0;
    if (isBehind || (this.hasLater && channel.replyBytes > 0)) this.write(channel);
  }

  /** Writes one channel's output now: all of it, or enough for the moment. */
  write(channel: Channel, enough = Infinity): void {
    if (channel.outputSize === 0 && !channel.waiting) return;
    if (channel.promised !== null) {
      channel.promised.now?.outbox.settle();
      channel.promised.next?.outbox.settle();
    }
    const written = channel.ready.flush(channel.link, enough);
    this.#budget.spent += unitsOfWrite + Math.max(0, written) / bytesInUnit;
    if (written < 0) {
      // The link has ended; its `closed` event follows.
      channel.loseOutput();
      return;
    }
    this.bytesSent += written;
    channel.countOutput();
    if (channel.hasPaused) this.#writeLater(channel);
    else this.#report(channel, written);
  }

  /** Its peer takes its output, of which there is more than enough for the moment. */
  #writeLater(channel: Channel): void {
    channel.dirty = true;
    this.#large.add(channel);
    if (!channel.waiting || !channel.open) return;
    this.#owner.enqueue({ type: "progressed", connection: channel.id });
  }

  /** Waiting bytes of answers above which a connection is not read. */
  get #repliesMax(): number {
    return this.#owner.isShort() ? Math.min(fewReplies, 2 * this.limit) : 2 * this.limit;
  }

  /** Reports a change in the state of the output to the core. */
  #report(channel: Channel, written: number): void {
    const left = channel.outputSize;
    const connection = channel.id;
    const owner = this.#owner;
    if (channel.replyBytes > left) channel.replyBytes = left;
    if (channel.waitsForStore) return this.#reportHeld(channel);
    if (left === 0) {
      if (!channel.waiting) return;
      channel.waiting = false;
      if (channel.open) {
        this.#progress.end(channel);
        channel.holdOutput = false;
        owner.enqueue({ type: "drained", connection });
      }
      return owner.written(channel);
    }
    if (!channel.open) return;
    if (!channel.waiting) {
      this.#progress.begin(channel);
      owner.enqueue({ type: "waiting", connection });
    } else if (written > 0) owner.enqueue({ type: "progressed", connection });
    channel.waiting = true;
    if (left > this.limit) owner.enqueue({ type: "blocked", connection });
    this.#holdIfFull(channel);
  }

  #holdIfFull(channel: Channel): void {
    if (channel.replyBytes <= this.#repliesMax || channel.holdOutput) return;
    channel.holdOutput = true;
    this.#owner.full(channel);
  }

  #reportHeld(channel: Channel): void {
    if (!channel.open) return;
    const connection = channel.id;
    if (channel.waiting) this.#owner.enqueue({ type: "progressed", connection });
    else if (channel.outputSize > this.limit) {
      channel.waiting = true;
      this.#owner.enqueue({ type: "blocked", connection });
    }
    this.#holdIfFull(channel);
  }

  /**
   * Reports channels whose output fills up while the store is slow: their peers are not to blame. So
   * many at a time, first those that were not reported for longest.
   */
  reportHeld(): void {
    for (const channels of [this.#promisedNow, this.#promisedNext]) {
      let left = reportedAtOnce;
      let looks = channels.size;
      for (const channel of channels) {
        if (looks-- === 0 || left === 0) break;
        if (!channel.open || !channel.waiting || !channel.waitsForStore) continue;
        left -= 1;
        channels.delete(channel);
        channels.add(channel);
        this.#reportHeld(channel);
      }
    }
  }

  /** What waits for the next commit waits for this one, which is under way now. */
  beginCommit(): void {
    const { size } = this.#promisedNow;
    assert(size === 0, "one commit is under way");
    for (const channel of this.#promisedNext) channel.beginCommit();
    [this.#promisedNow, this.#promisedNext] = [this.#promisedNext, this.#promisedNow];
  }

  /** What was promised is kept: the output may leave. */
  keepPromises(): void {
    for (const channel of this.#promisedNow) {
      channel.keepPromise();
      this.add(channel);
    }
    this.#promisedNow.clear();
  }

  /**
   * Nothing is kept: drops what was promised. Returns the connections that lost it, and whether they
   * had got their CONNACK. Publications of wills leave all the same.
   */
  breakPromises(): { id: ConnectionId; isAnswered: boolean }[] {
    const broken: { id: ConnectionId; isAnswered: boolean }[] = [];
    const channels = new Set([...this.#promisedNow, ...this.#promisedNext]);
    this.#promisedNow.clear();
    this.#promisedNext.clear();
    for (const channel of channels) {
      const { promised } = channel;
      if (promised === null) continue;
      if (promised.isPromise) {
        if (channel.open) broken.push({ id: channel.id, isAnswered: !promised.hasConnack });
        channel.breakPromise();
      } else {
        channel.keepPromise();
        channel.beginCommit();
        channel.keepPromise();
      }
      this.add(channel);
    }
    return broken;
  }
}
