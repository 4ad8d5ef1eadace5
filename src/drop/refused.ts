import { NoAnswer, Refused } from "../client/client-error.ts";
import { refusalText } from "../client/refusal.ts";

/**
 * How a CONNECT was refused, by its CONNACK or by the end of its connection, in a clause; null: it was
 * not, something else is wrong. An InvalidAnswer is no refusal: there the client ended the connection.
 */
export function refusalOf(error: unknown): string | null {
  if (error instanceof Refused) return refusalText(error);
  return error instanceof NoAnswer && error.isClosed ? error.message : null;
}
