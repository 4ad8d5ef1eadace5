import type { ConnectionId, Millis, Undecided, Unread } from "../../core/io.ts";
import type { SocketPoll, SocketQuestion } from "../../transport/socket-poll.ts";
import type { Channel } from "./channel.ts";
import type { Channels } from "./channels.ts";

/** A deadline that is met this late tells that the loop was held up. */
const lateMs = 10;
/** Sockets that one turn of a loop reads at most: the size of its list of events. */
const socketsInTurn = 1024;
/** More than a kernel holds for one socket: what comes after it was not there at the first look. */
const heldBytes = 16 * 1024 * 1024;
/** Looks after which is judged whatever still waits: some socket is filled faster than it is read. */
const looksMax = 1000;
const newcomerLooksMax = 64;

/** A connection that would be ended, for taking nothing or for its silence. */
interface Judged {
  readonly channel: Channel;
  readonly isStalled: boolean;
}

/** One undecided connection, since the first look at it. */
interface Postponed {
  looks: number;
  /** Bytes that had come from it by the first look, and by the last one. */
  readonly bytesAtFirst: number;
  bytesAtLast: number;
}

/**
 * What has arrived and was not read yet. When a loop was held up, its timers run before it reads its
 * sockets, so that a client which had sent in time would be found silent. Each look tells what is to be
 * read first; the core leaves that undecided, and is asked to look again in the next turn of the timers,
 * before which the loop reads.
 */
export class Arrivals {
  readonly #poll: SocketPoll | null;
  readonly #channels: Channels;
  readonly #listeners: number[] = [];
  /** Their CONNECT has not been accepted yet. */
  readonly #unidentified = new Set<Channel>();
  #postponed = new Map<Channel, Postponed>();
  #newcomerLooks = 0;

  /** `poll` null: the platform can't be asked, so that turns of the loop are counted instead. */
  constructor(poll: SocketPoll | null, channels: Channels) {
    this.#poll = poll;
    this.#channels = channels;
  }

  /** Listeners on which connections may wait to be accepted. */
  addListeners(descriptors: readonly number[]): void {
    this.#listeners.push(...descriptors);
  }

  opened(channel: Channel): void {
    this.#unidentified.add(channel);
  }

  /** Its CONNECT was accepted, or it has ended. */
  settled(channel: Channel): void {
    this.#unidentified.delete(channel);
  }

  /** Turns of the timers after which the loop has read all that was ready before them. */
  get turns(): number {
    return 1 + Math.ceil(this.#channels.count / socketsInTurn);
  }

  /** Something waits in its socket; false where the platform can't be asked. */
  isReadable(channel: Channel): boolean {
    return this.#ask([{ channel, isStalled: false }])?.[0] === true;
  }

  /** Of what is due now, what is not to be decided yet. */
  unread(undecided: Undecided, now: Millis): Unread {
    return {
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
      const isReady = answers?.[index] ?? (looks < turns || bytes !== bytesAtLast);
      if (!isReady || looks >= looksMax || bytes - bytesAtFirst > heldBytes) continue;
      unread.add(channel.id);
      postponed.set(channel, { looks: looks + 1, bytesAtFirst, bytesAtLast: bytes });
    }
    this.#postponed = postponed;
    return unread;
  }

  /** Those that a client comes back on matter only where the loop was held up. */
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
    // One turn more than others take: a connection is accepted in one and read in the next.
    const waits = answers?.includes(true) ?? this.#newcomerLooks <= this.turns;
    this.#newcomerLooks += 1;
    return waits;
  }

  /**
   * Null: there is no telling. A link that has no descriptor has ended, or is never read again. Room for
   * what waits matters to one that takes nothing, and to no silence.
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
