import type { ProtocolVersion } from "../core/packet.ts";
import { connackReturnCode, reasonName } from "../core/reason.ts";
import { returnCodes } from "../wire/return-codes.ts";

/**
 * The code that a packet has on the wire for a reason of the core, which are those of 5.0; null: a
 * packet of that version has none.
 */
export function codeOnWire(
  packet: "connack" | "suback" | "other",
  reason: number,
  version: ProtocolVersion,
): number | null {
  if (version === 5) return reason;
  switch (packet) {
    case "connack":
      return connackReturnCode(reason);
    case "suback":
      return reason < failure ? reason : failure;
    case "other":
      return null;
  }
}

/** The one failure of SUBACK before MQTT 5 [v4-3.9.3-2]. */
const failure = 0x80;

/** `rc5 not authorized`: a code on the wire by its number, a refusal with its name in that version. */
export function codeText(
  packet: "connack" | "suback" | "other",
  reason: number,
  version: ProtocolVersion,
): string | null {
  const code = codeOnWire(packet, reason, version);
  if (code === null) return null;
  const what = version === 5 || packet !== "connack" ? nameFrom(code, version) : returnCodes[code];
  return code === 0 || what === undefined || what === null ? `rc${code}` : `rc${code} ${what}`;
}

/** Null: a success. */
function nameFrom(code: number, version: ProtocolVersion): string | null {
  if (code < failure) return null;
  return version === 5 ? reasonName(code) : "failure";
}
