import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { isLoopback } from "../../transport/loopback.ts";
import { refusal } from "./refusal.ts";

export interface GuardSettings {
  /** Null: bound to loopback, where every local user has access. */
  readonly token: string | null;
}

/** They reveal nothing about clients, and a supervisor that requests them has no token. */
const openPaths = new Set(["/healthz", "/readyz"]);

/**
 * Accepts requests from people and scripts on this machine. Refuses web pages of other sites, and
 * pages that rebind their own name to this address. Beyond loopback, requires a token.
 */
export function guard({ token }: GuardSettings): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const host = (header("host") ?? "").toLowerCase();
    const name = host.replace(/:\d+$/, "");
    // With a token, any host name is fine: no page has the token, and a host may have many names.
    if (token === null && !isLoopback(name)) {
      return refusal(context, 403, `unknown host name ${name}`, "use localhost");
    }
    const origin = header("origin");
    const site = header("sec-fetch-site") ?? "none";
    const isForeign =
      origin !== undefined && origin.toLowerCase().replace(/^\w+:\/\//, "") !== host;
    if (isForeign || (site !== "none" && site !== "same-origin")) {
      return refusal(context, 403, "requests from pages of other sites are refused");
    }
    const isOpen = token === null || openPaths.has(context.req.path);
    if (isOpen || isSame(header("authorization") ?? "", `Bearer ${token}`)) return next();
    context.header("www-authenticate", "Bearer");
    return refusal(context, 401, "token required", "--token-file names the file that holds it");
  };
}

/** Compares in constant time. */
function isSame(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
