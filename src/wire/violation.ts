import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError, type ReasonCode } from "../core/reason.ts";

/**
 * What a peer broke, as a value. Statements come without their version, one for each standard; 3.1
 * has no numbers of its own, so where it agrees 3.1.1 is cited for it, as before any CONNECT.
 */
export function violation(
  reason: ReasonCode,
  version: ProtocolVersion | null,
  v4: string,
  v5: string,
  detail: string,
): ProtocolError {
  return { reason, statement: version === 5 ? `v5-${v5}` : `v4-${v4}`, detail };
}

/** Bytes that can't be parsed by the standard (v5-1.2, Malformed Packet). */
export function malformed(
  version: ProtocolVersion | null,
  v4: string,
  v5: string,
  detail: string,
): ProtocolError {
  return violation(Reason.malformedPacket, version, v4, v5, detail);
}

/** Parsed, and found to hold what the standard does not allow (v5-1.2, Protocol Error). */
export function refused(
  version: ProtocolVersion | null,
  v4: string,
  v5: string,
  detail: string,
): ProtocolError {
  return violation(Reason.protocolError, version, v4, v5, detail);
}
