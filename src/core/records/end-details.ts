import type { Broker } from "../broker.ts";
import type { Connection } from "../connection.ts";
import type { EndCause } from "../end-causes.ts";
import type { IncompletePacket, Millis } from "../io.ts";
import type { Standstills } from "../standstills.ts";

/** What else is to tell of the client's silence: the broker's own part in it; null: nothing. */
export function furtherSilenceOf(
  { standstills, now }: Broker,
  connection: Connection,
  cause: EndCause,
): {
  readonly stoodStillMs?: number;
  readonly lastPacketWaitedMs?: number;
  readonly deliveredInSilence?: number;
} | null {
  // A packet read late, or not read yet, may be the reason.
  const { stoodStillMs, lastPacketWaitedMs } = standstills.duringSilenceOf(connection, now);
  // When the silence began matters only for an expired keepalive.
  const isSilent = cause === "keepAliveExpired";
  const isReadLate = isSilent && lastPacketWaitedMs > 0;
  const { deliveredInSilence } = connection;
  if (stoodStillMs === 0 && !isSilent) return null;
  return {
    ...(stoodStillMs > 0 && { stoodStillMs }),
    ...(isReadLate && { lastPacketWaitedMs }),
    ...(isSilent && deliveredInSilence > 0 && { deliveredInSilence }),
  };
}

/** The packet that the client began and did not complete. */
export function partOf({ incomplete }: Connection): { readonly incomplete?: IncompletePacket } {
  if (incomplete === null) return {};
  const { type, bytes, size } = incomplete;
  return { incomplete: { type, bytes, size } };
}

/** Detail of an end that the operator caused with `inspect drop`. */
export function droppedDetail({ dropped }: Connection): string | null {
  if (dropped === null) return null;
  return dropped.how === "rst" ? "on the operator's order" : "the operator had silenced its link";
}

/** Detail of a close that a standstill may have caused: a client without PINGRESP gives up. */
export function unansweredDetail(
  { standstills, now }: { readonly standstills: Standstills; readonly now: Millis },
  cause: EndCause,
): string | null {
  if (cause !== "closedByPeer" && cause !== "resetByPeer") return null;
  const lastedMs = standstills.justEndedMs(now);
  if (lastedMs === 0) return null;
  return `while the broker itself stood still for ${(lastedMs / 1000).toFixed(1)} s and sent no answers`;
}
