import type { EndCause } from "./end-causes.ts";
import { after, type Millis } from "./io.ts";
import type { ConnectPacket, DisconnectPacket, Qos, WillPacket } from "./packet.ts";
import type { Session } from "./session.ts";
import type { Will } from "./will.ts";
import type { Rules } from "./quirks/rules.ts";

/** How the rules change a will. Each function has the standard's answer first. */

/** Milliseconds; events that are closer count as simultaneous. */
const atOnceMs = 2;
/** Messages in a queue. */
const longQueue = 100;

/** Whether a CONNECT's will is ignored. */
export function isIgnored(rules: Rules, { bridge }: ConnectPacket, will: WillPacket): boolean {
  if (rules.emptyWill === "accepted" && rules.bridgeHasWill) return false;
  if (bridge && !rules.bridgeHasWill) return true;
  if (will.payload.length > 0) return false;
  return rules.emptyWill === "ignored" || (rules.emptyWill === "clearsOnly" && !will.retain);
}

/** Whether a will is lost because of how its connection ended. `ageMs`: since it was armed. */
export function isLost(
  rules: Rules,
  cause: EndCause,
  sessionContinues: boolean,
  ageMs: number,
): boolean {
  switch (rules.willLostWhen) {
    case "never":
      return false;
    case "silentWithSession":
      return cause === "keepAliveExpired" && sessionContinues;
    case "finBehindConnect":
      return cause === "closedByPeer" && ageMs < atOnceMs;
    case "takenOverAtOnce":
      return cause === "takenOver" && ageMs < atOnceMs;
  }
}

/** The delay of a will in seconds, of which the standard says `delay`. */
export function lagged(rules: Rules, will: Will, cause: EndCause, delay: number): number {
  if (rules.willLagMs === 0 && !rules.disconnectCutsDelay) return delay;
  if (rules.disconnectCutsDelay && cause === "disconnectedWithWill") return 0;
  const isDelayed = will.packet.delayIntervalSeconds > 0 || cause === "takenOver";
  return isDelayed ? delay : Math.max(delay, rules.willLagMs / 1000);
}

/** Whether a DISCONNECT 0x00 counts as one with an error. */
export function isTakenForError(rules: Rules, packet: DisconnectPacket): boolean {
  return rules.goodbyeWithPropertiesIsError && packet.reasonString !== null;
}

/** When a will that is published now expires; null: never. */
export function expiryOf(rules: Rules, will: Will, now: Millis): Millis | null {
  const { expirySeconds } = will.packet;
  if (expirySeconds === null) return null;
  const from = rules.willExpiresFrom === "publication" ? now : (will.ended?.at ?? now);
  return after(from, expirySeconds * 1000);
}

/** The QoS of a will at its publication. */
export function qosOf({ willQosMin, willQosMax }: Rules, { qos }: WillPacket): Qos {
  if (willQosMin === 0 && willQosMax === 2) return qos;
  if (qos > willQosMax) return willQosMax;
  return qos < willQosMin ? willQosMin : qos;
}

/** Whether a subscriber does not get a will. */
export function isLeftOut(
  reaches: Rules["willReaches"],
  publisher: Session | null,
  session: Session,
): boolean {
  switch (reaches) {
    case "everybody":
      return false;
    case "connected":
      return session.connection === null;
    case "unqueued":
      return session.queue.count > longQueue;
    case "others":
      return session === publisher;
  }
}
