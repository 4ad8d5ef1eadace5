import { fault } from "./assert.ts";
import type { EndCause } from "./end-causes.ts";
import type { WillFacts } from "./events.ts";
import { Deadline } from "./deadlines.ts";
import type { Timed } from "./timed.ts";
import type { Millis } from "./io.ts";
import { costs, textBytes } from "./memory.ts";
import type { RecordRef } from "./records/records.ts";
import type { Session } from "./session.ts";
import type { WillPacket } from "./packet.ts";

/** armed: its connection is open. delayed: its connection has ended, it waits for its due time. */
export type WillState = "armed" | "delayed" | "published" | "discarded" | "cancelled";

/** The states that may follow each state. The last three are fates, which nothing follows. */
const transitions: Readonly<Record<WillState, readonly WillState[]>> = {
  armed: ["delayed", "published", "discarded", "cancelled"],
  delayed: ["published", "discarded", "cancelled"],
  published: [],
  discarded: [],
  cancelled: [],
};

/** The will of one connection. The session keeps it, because it can outlive the connection. */
export class Will {
  readonly session: Session;
  readonly packet: WillPacket;
  /** With the mount point of its listener. */
  readonly topic: string;
  readonly deadline: Deadline<Timed>;
  /** When its CONNECT was accepted. */
  readonly armedAt: Millis;
  /** How and when its connection ended; null: it is open. */
  ended: { readonly cause: EndCause; readonly at: Millis } | null = null;
  /** Due at the end of its connection, and not published with it because others were due before. */
  isPostponed = false;
  /** A planted quirk: it stays delayed although its session has ended or was resumed. */
  isDetached = false;
  /** Of a broker before this one. */
  isRestored = false;
  /** Due before its client had time to return after a restart: its return cancels it all the same. */
  isGraced = false;
  /**
   * Its first due time, if it waits after a restart, or a planted quirk postponed it
   * behind others; null: neither.
   */
  originalDue: Millis | null = null;
  /** The record's reference, not for rules; null: CONNECT is not accepted yet. */
  recordRef: RecordRef | null = null;
  #state: WillState = "armed";

  constructor(session: Session, packet: WillPacket, topic: string, armedAt: Millis) {
    this.session = session;
    this.packet = packet;
    this.topic = topic;
    this.armedAt = armedAt;
    this.deadline = new Deadline<Timed>({ kind: "will", will: this });
  }

  get state(): WillState {
    return this.#state;
  }

  /** Bytes of memory. */
  get held(): number {
    return willBytes(this.topic, this.packet);
  }

  become(next: WillState): void {
    if (!transitions[this.#state].includes(next)) {
      fault(`a will that is ${this.#state} can't become ${next}`);
    }
    this.#state = next;
    this.session.journal?.willChanged();
  }

  /** When it is due; null: it is armed, or has its fate. */
  get dueAt(): Millis | null {
    return this.originalDue ?? (this.deadline.isSet ? this.deadline.due : null);
  }

  get facts(): WillFacts {
    return willFacts(this.packet, this.topic);
  }
}

/** `topic`: with the mount point of its listener. */
export function willFacts(packet: WillPacket, topic: string): WillFacts {
  const { qos, retain, delayIntervalSeconds: delayInterval, payload, expirySeconds } = packet;
  return {
    ...{ topic, qos, retain, delayInterval, payloadBytes: payload.length },
    ...(expirySeconds !== null && { messageExpiry: expirySeconds }),
  };
}

/** Memory of a will. */
export function willBytes(
  topic: string,
  { payload, properties }: Pick<WillPacket, "payload" | "properties">,
): number {
  const bytes = payload.byteLength + (properties?.byteLength ?? 0);
  return costs.will + textBytes(topic) + bytes;
}

/**
 * Seconds from the end of the connection to the publication: the Will Delay Interval or the rest of
 * the session's life, whichever is shorter [v5-3.1.2-8] [v5-3.1.3-9].
 */
export function willDelay(packet: WillPacket, sessionExpirySeconds: number): number {
  return Math.min(packet.delayIntervalSeconds, sessionExpirySeconds);
}
