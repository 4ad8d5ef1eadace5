import { clause } from "../log/foreign.ts";
import { reasonText } from "../core/reason.ts";
import { returnCodes } from "../wire/return-codes.ts";
import type { Refused } from "./client.ts";

/** Why CONNACK said no, in words: `bad user name or password (0x86)`, and the reason string if any. */
export function refusalText({ code, connack }: Refused): string {
  // An old broker answers so to MQTT 5 too, where a refusal has a code from 0x80.
  const known = returnCodes[code];
  const text = known === undefined ? reasonText(code) : `${known} (0x0${code})`;
  const said = connack.properties?.reasonString;
  return said === undefined ? text : `${text}, "${clause(said)}"`;
}
