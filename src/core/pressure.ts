import type { Millis } from "./io.ts";
import type { Session } from "./session.ts";
import type { Steps } from "./steps.ts";

/** What the broker does about a shortage of memory (`relief.ts`), and since when. */
export class Pressure {
  /** Offline sessions that hold no messages, the one that is offline for longest first. */
  readonly idle = new Set<Session>();
  /** Since when new sessions are refused; null: they are not. */
  since: Millis | null = null;
  /** The search for expired and QoS 0 messages that is under way. */
  search: Steps<never> | null = null;
  searchedAt = -Infinity;
  /** More than the limit was restored, and is still there. */
  isOverfull = false;
  dropsQos0 = false;
  refusesMessages = false;

  /**
   * A session that has no connection, or just lost its last message. One with a will of before a
   * restart does not give way: the will would be early because of a limit that changed.
   */
  noteOffline(session: Session): void {
    const { queue, outgoing, will } = session;
    if (will?.isRestored === true) return;
    if (queue.count === 0 && outgoing.count === 0) this.idle.add(session);
  }
}
