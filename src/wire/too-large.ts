import type { ProtocolVersion } from "../core/packet.ts";
import { Reason, type ProtocolError } from "../core/reason.ts";
import type { Full } from "./unfinished.ts";
import { violation } from "./violation.ts";

/** v4 can't announce the limit to a client, so it has no statement about it. */
export function tooLarge(size: number, limit: number): ProtocolError {
  const detail = `a packet of ${size} B, and the maximum is ${limit} B (limits.packetSize)`;
  return violation(Reason.packetTooLarge, 5, "", "3.2.2-15", detail);
}

/** Only PUBLISH may reach Maximum Packet Size. A limit that a client can't know before (4.13.2). */
export function tooLargeForControl(size: number, limit: number): ProtocolError {
  const detail =
    `a packet of ${size} B other than PUBLISH, and the maximum for these is ${limit} B ` +
    "(limits.controlPacketSize)";
  return violation(Reason.packetTooLarge, 5, "", "4.13.2", detail);
}

/** No client can know it before either. */
export function tooLargeForConnect(size: number, limit: number): ProtocolError {
  const detail = `a CONNECT of ${size} B, and the maximum is ${limit} B (limits.connectSize)`;
  return violation(Reason.packetTooLarge, 5, "", "4.13.2", detail);
}

export function tooManyUnfinished(version: ProtocolVersion | null, full: Full): ProtocolError {
  const detail = `no memory left for an incomplete packet: ${boundOf(full)}`;
  return violation(Reason.quotaExceeded, version === 5 ? 5 : 4, "4.8", "4.13.2", detail);
}

export function stoodStill(
  version: ProtocolVersion | null,
  seconds: number,
  full: Full,
): ProtocolError {
  const detail = `an incomplete packet of which nothing came for ${seconds} s gave way: ${boundOf(full)}`;
  return violation(Reason.quotaExceeded, version === 5 ? 5 : 4, "4.8", "4.13.2", detail);
}

function boundOf({ key, bytes }: Full): string {
  const what =
    key === "limits.memory"
      ? `all clients together may take ${bytes} B, and half of it with incomplete packets`
      : `all incomplete packets together may take ${bytes} B`;
  return `${what} (${key})`;
}
