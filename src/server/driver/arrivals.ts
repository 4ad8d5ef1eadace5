import type { ConnectionId, Millis, Undecided, Unread } from "../../core/io.ts";
import type { SocketPoll, SocketQuestion } from "../../transport/socket-poll.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";

/** A deadline met this late shows that the loop was blocked. */
const lateMs = 10;
/** Maximum sockets that one turn of a loop reads: the size of its event list. */
const socketsInTurn = 1024;
/** More than a kernel buffers for one socket: bytes beyond it arrived after the first look. */
const heldBytes = 16 * 1024 * 1024;
/** Looks after which a connection is decided anyway: a peer may send faster than the loop reads. */
const looksMax = 1000;
const newcomerLooksMax = 64;

/** A connection due to be ended, as stalled or as silent. */
interface Judged {
  readonly channel: Channel;
  readonly isStalled: boolean;
}

/** State of one undecided connection since its first look. */
interface Postponed {
  looks: number;
  /** Bytes received from it up to the first look, and up to the last one. */
  readonly bytesAtFirst: number;
  bytesAtLast: number;
}

/**
 * Finds data that has arrived but is unread. After a blocked loop, timers run before sockets are
 * read, so a client that sent in time would look silent. Each look reports which connections have
 * unread data. The core leaves those undecided, and the driver looks again in the next turn of the
 * timers, after the loop has read.
 */
export class Arrivals {
  readonly #poll: SocketPoll | null;
  readonly #channels: Channels;
  readonly #listeners: number[] = [];
  /** Channels whose CONNECT is not accepted yet. */
  readonly #unidentified = new Set<Channel>();
  #postponed = new Map<Channel, Postponed>();
  #newcomerLooks = 0;

  /** `poll` null: the platform has no poll, so count turns of the loop instead. */
  constructor(poll: SocketPoll | null, channels: Channels) {
    this.#poll = poll;
    this.#channels = channels;
  }

  /** Adds listening sockets, on which connections may wait to be accepted. */
  addListeners(descriptors: readonly number[]): void {
    this.#listeners.push(...descriptors);
  }

  opened(channel: Channel): void {
    this.#unidentified.add(channel);
  }

  /** The channel's CONNECT was accepted, or the channel has ended. */
  settled(channel: Channel): void {
    this.#unidentified.delete(channel);
  }

  /** Turns of the timers after which the loop has read all sockets that were ready before. */
  get turns(): number {
    return 1 + Math.ceil(this.#channels.count / socketsInTurn);
  }

  /** Whether unread data can be seen, so that nobody has to wait for turns of the loop. */
  get sees(): boolean {
    return this.#poll !== null;
  }

  /** Connections that the last look left undecided. */
  get postponed(): number {
    return this.#postponed.size;
  }

  /** Whether the channel's socket has unread data; false if the platform has no poll. */
  isReadable(channel: Channel): boolean {
    return this.#ask([{ channel, isStalled: false }])?.[0] === true;
  }

  /** Which of the due decisions must wait because of unread data. */
  unread(undecided: Undecided, now: Millis): Unread {
    return {
      asked: undecided.connections.length,
      connections: this.#unreadConnections(undecided, now),
      newcomers: this.#newcomersWait(undecided, now),
    };
  }

  #unreadConnections({ connections, since }: Undecided, now: Millis): Set<ConnectionId> {
    const unread = new Set<ConnectionId>();
    const postponed = new Map<Channel, Postponed>();
    const judged = connections.map(({ id, cause }) => {
      return { channel: this.#channels.get(id), isStalled: cause === "stalled" };
    });
    const answers = this.#ask(judged);
    const isLate = since !== null && now - since > lateMs;
    const turns = isLate ? this.turns : 1;
    for (const [index, { channel }] of judged.entries()) {
      const bytes = channel.bytesReceived;
      const before = this.#postponed.get(channel);
      const { looks, bytesAtFirst, bytesAtLast } = before ?? {
        looks: 0,
        bytesAtFirst: bytes,
        bytesAtLast: bytes,
      };
      const isReady =
        channel.holdTurn ||
        channel.link.isBehind === true ||
        (answers?.[index] ?? (looks < turns || bytes !== bytesAtLast));
      if (!isReady || looks >= looksMax || bytes - bytesAtFirst > heldBytes) continue;
      unread.add(channel.id);
      postponed.set(channel, { looks: looks + 1, bytesAtFirst, bytesAtLast: bytes });
    }
    this.#postponed = postponed;
    return unread;
  }

  /** Unread new connections, on which clients may reconnect, matter only after a blocked loop. */
  #newcomersWait({ absentSince }: Undecided, now: Millis): boolean {
    if (absentSince === null || now - absentSince <= lateMs) {
      this.#newcomerLooks = 0;
      return false;
    }
    if (this.#newcomerLooks >= newcomerLooksMax) return false;
    const listeners = this.#listeners.map(readable);
    const unidentified = [...this.#unidentified].flatMap(({ link, paused }) =>
      link.descriptor === null || paused ? [] : [readable(link.descriptor)],
    );
    const answers = this.#poll?.ask([...listeners, ...unidentified]) ?? null;
    // One turn more than for open connections: the loop accepts in one turn and reads in the next.
    const waits = answers?.includes(true) ?? this.#newcomerLooks <= this.turns;
    this.#newcomerLooks += 1;
    return waits;
  }

  /**
   * Null: unknown. A link without descriptor has ended, or is never read again. Room for waiting
   * output matters for a stalled connection, not for a silent one.
   */
  #ask(judged: readonly Judged[]): readonly boolean[] | null {
    if (this.#poll === null) return null;
    const asked = judged.filter(({ channel }) => channel.link.descriptor !== null);
    const answers = this.#poll.ask(
      asked.map(({ channel: { link, paused, waiting }, isStalled }) => ({
        descriptor: link.descriptor ?? -1,
        reads: !paused,
        writes: isStalled && waiting,
      })),
    );
    if (answers === null) return null;
    const ready = new Set(asked.filter((_, index) => answers[index]));
    return judged.map((one) => ready.has(one));
  }
}

function readable(descriptor: number): SocketQuestion {
  return { descriptor, reads: true, writes: false };
}
