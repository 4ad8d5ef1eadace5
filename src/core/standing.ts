import type { WillPacket } from "./packet.ts";
import type { Session } from "./session.ts";

/**
 * What the store has of a session, as far as a CONNECT sets it and a later start acts on it. The rest
 * of its record is there for people.
 */
export interface Standing {
  /** Infinity: never. */
  readonly expirySeconds: number;
  readonly username: string | null;
  readonly accessList: string | null;
  /** Null: it has none. */
  readonly will: StandingWill | null;
}

interface StandingWill {
  readonly packet: WillPacket;
  /** With the mount point of its listener. */
  readonly topic: string;
  /** A start counts its delay from the death of the broker; false: its due time is kept. */
  readonly isArmed: boolean;
}

/** As a record that is made now says it. */
export function standingOf(session: Session): Standing {
  const { expiryIntervalSeconds: expirySeconds, username, accessList, will } = session;
  const standing =
    will === null ? null : { packet: will.packet, topic: will.topic, isArmed: will.ended === null };
  return { expirySeconds, username, accessList, will: standing };
}

/** Whether two wills are the same to everybody. */
export function isSameWill(a: WillPacket, b: WillPacket): boolean {
  return (
    a.topic === b.topic &&
    a.qos === b.qos &&
    a.retain === b.retain &&
    a.delayIntervalSeconds === b.delayIntervalSeconds &&
    a.expirySeconds === b.expirySeconds &&
    areSame(a.payload, b.payload) &&
    areSame(a.properties, b.properties)
  );
}

function areSame(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
