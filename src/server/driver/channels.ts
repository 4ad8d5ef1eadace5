import { fault } from "../../core/assert.ts";
import type { ConnectionId, ListenerPolicy } from "../../core/io.ts";
import type { Limits } from "../../core/limits.ts";
import type { Memory } from "../../core/memory.ts";
import type { Rules } from "../../core/quirks/rules.ts";
import type { Link } from "../../transport/transport.ts";
import type { CountedReaderOptions } from "../../wire/reader.ts";
import { UnfinishedBytes, unlimitedBytes } from "../../wire/unfinished.ts";
import { Channel } from "./channel.ts";
import { OutboxPool } from "./outbox.ts";
import { SilentLink } from "./silent-link.ts";

/** Without a byte for so long, an incomplete packet stands still; milliseconds. */
export const stillMs = 5000;

/** The open channels by connection id, and what all channels share; ids are reused. */
export class Channels {
  readonly #channels: (Channel | undefined)[] = [];
  readonly #free: ConnectionId[] = [];
  readonly #shared: { readonly outboxes: OutboxPool; readonly memory: Memory };
  readonly #rules: Rules;
  readonly #unfinished: UnfinishedBytes;
  #reading: CountedReaderOptions;
  #count = 0;
  /** No packet stands still for long enough until then. */
  #noneStillUntil = 0;

  /** `giveWay`: see UnfinishedBytes. */
  constructor(memory: Memory, rules: Rules, limits: Limits, giveWay: UnfinishedBytes["giveWay"]) {
    this.#shared = { outboxes: new OutboxPool(), memory };
    this.#rules = rules;
    this.#unfinished = new UnfinishedBytes(limits.unfinishedBytes, memory);
    this.#unfinished.giveWay = giveWay;
    this.#reading = readerOptions(limits, this.#unfinished, rules);
  }

  /** Sets new limits; packet sizes apply only to channels that are admitted later. */
  reconfigure(limits: Limits): void {
    this.#unfinished.limit = limits.unfinishedBytes;
    this.#reading = readerOptions(limits, this.#unfinished, this.#rules);
  }

  get count(): number {
    return this.#count;
  }

  /** Opens a channel for the link, under a free id. */
  open(link: Link, listener: ListenerPolicy): Channel {
    const id = this.#free.pop() ?? this.#channels.length;
    const channel = this.#create(id, link, listener);
    link.owner = channel;
    this.#channels[id] = channel;
    this.#count += 1;
    return channel;
  }

  /** The core is told of the channel now, and holds it to the present limits, as its reader does. */
  admit(channel: Channel): void {
    channel.admitted = true;
    channel.reader.options = this.#reading;
  }

  /**
   * The channel whose incomplete packet takes memory and stands still for longest, at least
   * `stillMs`; null: there is none. All channels are looked at, so it is not asked all the time.
   */
  standingStill(now: number): Channel | null {
    if (now < this.#noneStillUntil) return null;
    let found: Channel | null = null;
    for (const channel of this.#channels) {
      if (channel === undefined || channel.isUnread || channel.held) continue;
      if (channel.reader.gatheredMemory <= unlimitedBytes || channel.reader.isGrowing) continue;
      if (found === null || channel.reader.grownAt < found.reader.grownAt) found = channel;
    }
    if (found !== null && now - found.reader.grownAt >= stillMs) return found;
    this.#noneStillUntil = now + stillMs / 10;
    return null;
  }

  /** Counts output again that a link holds and that may have left since, with no event. */
  recountOutput(): void {
    for (const channel of this.#channels) {
      if (channel !== undefined && channel.outputBytes > 0) channel.countOutput();
    }
  }

  /** Gives the channel a silent link. Its own link's events go to a channel that is not open. */
  silence(channel: Channel): void {
    const { id, link, listener } = channel;
    const detached = this.#create(id, link, listener);
    detached.open = false;
    link.owner = detached;
    channel.link = new SilentLink(link);
  }

  #create(id: ConnectionId, link: Link, listener: ListenerPolicy): Channel {
    return new Channel(id, link, listener, this.#reading, this.#shared);
  }

  /** Asserts that the channel is open: the core's effects name open connections only. */
  get(id: ConnectionId): Channel {
    const channel = this.#channels[id];
    if (channel === undefined) fault(`an effect names connection ${id}, which is not open`);
    return channel;
  }

  has(id: ConnectionId): boolean {
    return this.#channels[id] !== undefined;
  }

  /** The core has ended the connection: the driver hands in no more inputs for it. */
  release(channel: Channel): void {
    channel.open = false;
    this.#count -= 1;
    channel.reader.discard();
    this.#channels[channel.id] = undefined;
    this.#free.push(channel.id);
  }

  filter(holds: (channel: Channel) => boolean): Channel[] {
    return this.#channels.filter((channel) => channel !== undefined && holds(channel)) as Channel[];
  }

  every(holds: (channel: Channel) => boolean): boolean {
    return this.#channels.every((channel) => channel === undefined || holds(channel));
  }
}

function readerOptions(
  { packetSize, controlPacketSize, connectSize, filters }: Limits,
  unfinished: UnfinishedBytes,
  { invalidWill }: Rules,
): CountedReaderOptions {
  const takesInvalidWill = invalidWill === "accepted";
  const controlMaximum = Math.min(controlPacketSize, packetSize);
  return {
    packetSize,
    controlPacketSize: controlMaximum,
    connectSize: Math.min(connectSize, controlMaximum),
    filters,
    unfinished,
    takesInvalidWill,
  };
}
