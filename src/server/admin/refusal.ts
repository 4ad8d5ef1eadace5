import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Refusal } from "../../api/api.ts";

/** An answer whose status is not 2xx: the error in words, and what to try. */
export function refusal(
  context: Context,
  status: ContentfulStatusCode,
  error: string,
  hint: string | null = null,
  nearest?: readonly string[],
): Response {
  const body: Refusal = { error, hint, ...(nearest !== undefined && { nearest }) };
  return context.json(body, status);
}
