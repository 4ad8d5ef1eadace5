import { NoAnswer, Refused } from "../client/client.ts";
import { refusalText } from "../client/refusal.ts";

/** How a CONNECT was refused, in a clause; null: it was not, something else is wrong. */
export function refusalOf(fault: unknown): string | null {
  if (fault instanceof Refused) return refusalText(fault);
  return fault instanceof NoAnswer && fault.isClosed ? fault.message : null;
}
