import { clause } from "../log/foreign.ts";
import { reasonText } from "../core/reason.ts";
import { returnCodes } from "../wire/return-codes.ts";
import type { Refused } from "./client-error.ts";

/**
 * Why the broker refused the CONNECT: `bad user name or password (0x86)`, and its Reason String.
 */
export function refusalText({ code, connack }: Refused): string {
  // Old brokers send these return codes to MQTT 5 clients too; MQTT 5's own refusals start at 0x80.
  const known = returnCodes[code];
  const text = known === undefined ? reasonText(code) : `${known} (0x0${code})`;
  const reasonString = connack.properties?.reasonString;
  return reasonString === undefined ? text : `${text}, "${clause(reasonString)}"`;
}
