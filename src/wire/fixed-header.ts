import type { ProtocolVersion } from "../core/packet.ts";
import type { ProtocolError } from "../core/reason.ts";
import { foreignProtocol } from "./foreign-protocol.ts";
import { firstByteViolation, PacketType } from "./grammar.ts";
import { malformed, refused } from "./violation.ts";

/**
 * What the first byte of the packet at bytes[start..available) proves wrong; null: nothing.
 * `version` null: it is the connection's first packet.
 */
export function headerViolation(
  bytes: Uint8Array,
  start: number,
  available: number,
  version: ProtocolVersion | null,
): ProtocolError | null {
  const first = bytes[start] ?? 0;
  const isConnect = first >> 4 === PacketType.connect;
  if (version !== null)
    return isConnect ? secondConnect(version) : firstByteViolation(first, version);
  return isConnect ? null : notConnect(foreignProtocol(bytes, start, available));
}

function notConnect(found: string): ProtocolError {
  return refused(null, "3.1.0-1", "3.1.0-1", `the first packet is not CONNECT${found}`);
}

function secondConnect(version: ProtocolVersion): ProtocolError {
  return refused(version, "3.1.0-2", "3.1.0-2", "second CONNECT");
}

export function endlessLength(version: ProtocolVersion | null): ProtocolError {
  return malformed(version, "2.2.3", "1.5.5", "Remaining Length takes more than four bytes");
}

/** A rule of v5 only. */
export function wastefulLength(): ProtocolError {
  const detail = "Remaining Length is written in more bytes than it needs";
  return malformed(5, "", "1.5.5-1", detail);
}
