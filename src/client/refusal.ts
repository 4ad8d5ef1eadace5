import { clause } from "../log/foreign.ts";
import { reasonText } from "../core/reason.ts";
import type { Refused } from "./client.ts";

/** The return codes of MQTT 3.1.1 (v4-3.2.2-6), in the standard's words. */
const returnCodes: ReadonlyMap<number, string> = new Map([
  [1, "unacceptable protocol version"],
  [2, "identifier rejected"],
  [3, "server unavailable"],
  [4, "bad user name or password"],
  [5, "not authorized"],
]);

/** Why CONNACK said no, in words: `bad user name or password (0x86)`, and the reason string if any. */
export function refusalText({ code, connack }: Refused): string {
  // An old broker answers so to MQTT 5 too, where a refusal has a code from 0x80.
  const known = returnCodes.get(code);
  const text = known === undefined ? reasonText(code) : `${known} (0x0${code})`;
  const said = connack.properties?.reasonString;
  return said === undefined ? text : `${text}, "${clause(said)}"`;
}
