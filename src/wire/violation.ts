import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError, type ReasonCode } from "../core/reason.ts";

/**
 * A peer's violation. `v4` and `v5` are statement ids without the version prefix. v4 is cited for MQTT
 * 3.1 too, whose standard numbers no statements, and before any CONNECT.
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

/** Bytes that the standard can't parse (v5-1.2, Malformed Packet). */
export function malformed(
  version: ProtocolVersion | null,
  v4: string,
  v5: string,
  detail: string,
): ProtocolError {
  return violation(Reason.malformedPacket, version, v4, v5, detail);
}

/** Data that parses but that the standard does not allow (v5-1.2, Protocol Error). */
export function refused(
  version: ProtocolVersion | null,
  v4: string,
  v5: string,
  detail: string,
): ProtocolError {
  return violation(Reason.protocolError, version, v4, v5, detail);
}
