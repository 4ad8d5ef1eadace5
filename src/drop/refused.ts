import { NoAnswer, Refused } from "../client/client.ts";
import { refusalText } from "../client/refusal.ts";

/** How a CONNECT was refused, in a clause; null: it was not, something else is wrong. */
export function refusalOf(error: unknown): string | null {
  if (error instanceof Refused) return refusalText(error);
  return error instanceof NoAnswer && error.isClosed ? error.message : null;
}
