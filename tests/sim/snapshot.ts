import {
  freeReplays,
  type Copy,
  type Publication,
  type RestoredWill,
  type Session,
  type Share,
} from "./session.ts";

/** When a broker died, and the one after it let clients connect; the broker's clock. */
export interface Restart extends RestoredWill {
  /** What was connected ended then. */
  readonly diedAt: number;
  readonly now: number;
  /** The store had not kept everything: clients may have been connected of which it has nothing. */
  readonly isBehind: boolean;
}

interface Known {
  readonly sessions: readonly Session[];
  /** Those that are over but for their wills. */
  readonly left: readonly Session[];
  readonly topics: ReadonlyMap<string, Publication>;
  readonly isConnected: (session: Session) => boolean;
}

/**
 * What a referee knew when a batch was made, as far as it outlives the broker: if that batch is the
 * last one that is kept, the next broker has exactly this.
 */
export class Snapshot {
  readonly topics: ReadonlyMap<string, Publication>;
  readonly #sessions: readonly Session[];
  readonly #left: readonly Session[];
  /** Those whose connections were open. */
  readonly #connected = new Set<Session>();
  readonly #copies = new Map<Session, Session>();
  readonly #shares = new Map<Share, Share>();

  constructor({ sessions, left, topics, isConnected }: Known) {
    const copied = (from: Session): Session => this.#session(from, isConnected(from));
    this.#sessions = sessions.map(copied);
    this.#left = left.map(copied);
    this.topics = new Map(topics);
  }

  /**
   * What the next broker has: connections have ended, and what does not outlive them. `over`: but
   * for their wills.
   */
  restart({ diedAt, now, settledAt, isGraced, isBehind }: Restart): {
    readonly lasting: Session[];
    readonly over: Session[];
  } {
    // The same snapshot may be that of a further restart.
    const own = new Snapshot({
      ...{ sessions: this.#sessions, left: this.#left, topics: this.topics },
      isConnected: (session) => this.#connected.has(session),
    });
    const lasting: Session[] = [];
    const over: Session[] = [];
    for (const session of new Set([...own.#sessions, ...own.#left])) {
      const mayHaveReturned = isBehind && session.will === null;
      if (own.#connected.has(session) || mayHaveReturned) endConnection(session, diedAt);
      loseUnkept(session);
      const { will } = session;
      const isOver = session.expiry === 0 || (will !== null && session.endsAt <= now);
      if (will !== null) will.restored = { settledAt, isGraced };
      if (isOver) {
        loseShares(session);
        if (will !== null) over.push(session);
      } else {
        // It ends when the next broker lives, at the earliest.
        session.endsAt = Math.max(session.endsAt, now);
        lasting.push(session);
      }
    }
    return { lasting, over };
  }

  #session(from: Session, isConnected: boolean): Session {
    let to = this.#copies.get(from);
    if (to !== undefined) return to;
    to = from.kept((copy) => this.#copy(copy));
    this.#copies.set(from, to);
    if (isConnected) this.#connected.add(to);
    return to;
  }

  #copy(copy: Copy): Copy {
    return { ...copy, share: copy.share === null ? null : this.#share(copy.share) };
  }

  #share(from: Share): Share {
    let to = this.#shares.get(from);
    if (to === undefined) {
      to = { ...from };
      this.#shares.set(from, to);
    }
    return to;
  }
}

function endConnection(session: Session, diedAt: number): void {
  const { will, expiry } = session;
  session.endsAt = diedAt + expiry * 1000;
  if (will?.state !== "armed") return;
  will.state = "delayed";
  will.cause = "brokerRestarted";
  will.endedAt = diedAt;
  will.dueAt = diedAt + Math.min(will.ask.delay, expiry) * 1000;
}

/** QoS 0 in a queue is not kept, nor how far the retained messages for a SUBSCRIBE were sent. */
function loseUnkept(session: Session): void {
  freeReplays(session);
  session.replayed.clear();
  session.queues[0].length = 0;
  for (const { qos, share } of session.shared) {
    if (qos === 0 && share !== null) share.mayBeLost = true;
  }
}

/** It ended with its connection, and handed nothing over. */
function loseShares({ shared, inflight }: Session): void {
  for (const { share } of [...shared, ...inflight.values()]) {
    if (share !== null) share.mayBeLost = true;
  }
}
