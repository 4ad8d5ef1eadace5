import type { Broker } from "../../core/broker.ts";
import type { Loss } from "../../core/end-causes.ts";
import { openLosses } from "../../transport/transport.ts";
import type { Arrivals } from "./arrivals.ts";
import type { Channel, Last } from "./channel.ts";
import type { Channels } from "./channels.ts";
import { ClosingChannels } from "./closing.ts";
import type { Core } from "./core.ts";
import type { Loop } from "./loop.ts";
import type { Newcomers } from "./newcomers.ts";
import type { Output } from "./output.ts";
import type { PeerCloses } from "./peer-closes.ts";
import type { Progress } from "./progress.ts";
import type { ReadAhead } from "./read-ahead.ts";
import type { Reading } from "./reading.ts";
import type { Turns } from "./turns.ts";

/** Links that may linger after their end, or as many as connections may be open. */
const lingeringLinks = 1000;
/** Peers that close between two looks at the time, and their work, which is the runtime's. */
const closesInLook = 32;
const unitsOfCloses = 300;

interface EndsParts {
  readonly broker: Broker;
  readonly core: Core;
  readonly loop: Loop;
  /** Links that may be open, those included that linger after their end. */
  readonly links: number;
  readonly channels: Channels;
  readonly reading: Reading;
  readonly newcomers: Newcomers;
  readonly output: Output;
  readonly turns: Turns<Channel>;
  /** Does what must not wait for a turn that does not come. */
  readonly overdue: () => void;
  readonly arrivals: Arrivals;
  readonly readAhead: ReadAhead;
  readonly peerCloses: PeerCloses;
  readonly progress: Progress;
}

/**
 * Ends connections, by their links or by an order of the core or of the operator, behind the packets
 * that the driver has of them.
 */
export class Ends {
  readonly #parts: EndsParts;
  readonly #core: Core;
  readonly #closing: ClosingChannels;
  /** Peers that have closed since the last look at the time. */
  #peersClosed = 0;
  /** Channels to read before the broker stops; null: it does not stop, or has begun to. */
  #unreadAtStop: Set<Channel> | null = null;

  constructor(parts: EndsParts) {
    this.#parts = parts;
    this.#core = parts.core;
    this.#closing = new ClosingChannels(parts.loop, () => this.#peerClosed());
  }

  /** Links of connections that the core has ended, whose peers have not closed yet. */
  get closing(): number {
    return this.#closing.count;
  }

  /** Thousands of peers may answer an end at once, with nothing for the core to do. */
  #peerClosed(): void {
    if (++this.#peersClosed < closesInLook) return;
    this.#peersClosed = 0;
    const { broker, core, turns } = this.#parts;
    core.guard(() => {
      core.beginCall();
      broker.budget.spent += unitsOfCloses;
      turns.end();
      if (turns.isOverdue()) core.call(() => this.#parts.overdue());
    });
  }

  /** A link that lingers after its end needs a descriptor too, and gives it up first. */
  keepDescriptors(): void {
    const { broker, links, channels } = this.#parts;
    const most = Math.max(lingeringLinks, broker.limits.connections);
    this.#closing.keep(Math.max(0, Math.min(most, links - channels.count)));
  }

  kick(clientId: string): void {
    const channel = this.#parts.reading.unreadChannelOf(clientId);
    if (channel === null) this.#core.handle({ type: "kicked", clientId });
    else this.#readTo(channel, { type: "kicked", clientId });
  }

  /** Hands in the buffered packets of a connection that ends, then `last`. */
  #readTo(channel: Channel, last: Last): void {
    channel.last = last;
    this.#core.handle({ type: "ending", connection: channel.id });
    if (!channel.holdTurn) this.#parts.reading.more(channel);
  }

  /** Stops the broker when the packets taken from all sockets so far are read. */
  stop(): void {
    this.#unreadAtStop = new Set(this.#parts.channels.filter((channel) => channel.isUnread));
    for (const channel of this.#unreadAtStop) this.#parts.reading.readToEnd(channel);
  }

  /** Call at the end of each callback. */
  stopIfRead(): void {
    const unread = this.#unreadAtStop;
    if (unread === null) return;
    for (const channel of unread) {
      if (!channel.open || !channel.isUnread) unread.delete(channel);
    }
    if (unread.size > 0) return;
    this.#unreadAtStop = null;
    this.#core.enqueue({ type: "stopping" });
  }

  /** The link of a channel has ended. */
  closed(channel: Channel, how: Loss, detail?: string): void {
    channel.loseOutput();
    this.#closing.giveUp(channel);
    if (!channel.open) return;
    const { turns, reading, readAhead, newcomers } = this.#parts;
    readAhead.forget(channel);
    this.#core.beginCall();
    if (!channel.admitted) newcomers.admit(channel);
    // Buffered packets arrived before the end, so hand them in before it.
    const { id: connection } = channel;
    const end = { type: "closed", connection, how } as const;
    channel.last = detail === undefined ? end : { ...end, detail };
    // One poll may report thousands of ends: do as little as possible for those that have to wait.
    if (turns.hasEnds) {
      this.#endLater(channel);
      if (!turns.isOverdue()) return;
      this.#parts.overdue();
    } else if (turns.isOver) this.#endLater(channel);
    else if (!channel.holdTurn) reading.more(channel);
    this.#core.endCall();
  }

  /** Hands in the end of a connection, whose link is closed, in a later turn. */
  #endLater(channel: Channel): void {
    if (channel.holdTurn || !channel.open) return;
    channel.holdTurn = true;
    this.#parts.turns.addEnd(channel);
    if (channel.paused) return;
    // Its silence is over.
    channel.paused = true;
    this.#core.handle({ type: "paused", connection: channel.id });
  }

  /** Hands in what follows the packets that were read. */
  last(channel: Channel): void {
    const { last } = channel;
    if (last === null || !channel.open || channel.link.isBehind === true) return;
    channel.last = null;
    if (last.type === "kicked") return this.#core.handle(last);
    this.#release(channel);
    // A link that is gone takes no answers to its last packets.
    const isOpen = openLosses.has(last.how);
    if (!isOpen) channel.loseOutput();
    this.#core.handle(last);
    if (isOpen) this.#beginClosing(channel);
  }

  /** Closes the link on the core's order; with `end`, the client still gets the last bytes. */
  close(channel: Channel, how: "end" | "reset"): void {
    const { last } = channel;
    const isGone = last?.type === "closed" && !openLosses.has(last.how);
    if (!isGone && how === "end") this.#parts.output.write(channel);
    this.#release(channel);
    if (isGone || how === "reset") {
      channel.loseOutput();
      if (!isGone) channel.link.reset();
      return;
    }
    this.#beginClosing(channel);
  }

  #beginClosing(channel: Channel): void {
    this.#closing.begin(channel);
    this.keepDescriptors();
  }

  /** All output of a channel whose connection has ended was written. */
  finish(channel: Channel): void {
    this.#closing.finish(channel);
  }

  #release(channel: Channel): void {
    const { arrivals, readAhead, peerCloses, progress, channels } = this.#parts;
    arrivals.settled(channel);
    readAhead.forget(channel);
    peerCloses.forget(channel);
    progress.end(channel);
    channels.release(channel);
    channel.whenGone?.();
    channel.whenGone = null;
    channel.countUnread();
    channel.countOutput();
  }
}
