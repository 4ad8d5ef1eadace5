import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { isLoopback } from "../../transport/loopback.ts";
import { refusal } from "./refusal.ts";

export interface GuardSettings {
  /** Null: bound to loopback, where every local user may ask. */
  readonly token: string | null;
}

/** They say nothing of clients, and who asks them (a supervisor) has no token. */
const openPaths = new Set(["/healthz", "/readyz"]);

/**
 * Lets through what a person or a script of this machine asks. A web page of another site may not, nor
 * one that has rebound its own name to this address; beyond loopback a token is needed.
 */
export function guard({ token }: GuardSettings): MiddlewareHandler {
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const host = (header("host") ?? "").toLowerCase();
    const name = host.replace(/:\d+$/, "");
    // No page has the token, whatever its name. Behind a proxy, or on all addresses, a host has many.
    if (token === null && !isLoopback(name)) {
      return refusal(context, 403, `this interface is not called ${name}`, "ask for localhost");
    }
    const origin = header("origin");
    const site = header("sec-fetch-site") ?? "none";
    const isForeign =
      origin !== undefined && origin.toLowerCase().replace(/^\w+:\/\//, "") !== host;
    if (isForeign || (site !== "none" && site !== "same-origin")) {
      return refusal(context, 403, "requests of other sites' pages are refused");
    }
    const isOpen = token === null || openPaths.has(context.req.path);
    if (isOpen || isSame(header("authorization") ?? "", `Bearer ${token}`)) return next();
    context.header("www-authenticate", "Bearer");
    return refusal(context, 401, "a token is needed", "--token-file names the file that holds it");
  };
}

/** In a time that does not tell how much of it was right. */
function isSame(given: string, expected: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(expected);
  return a.length === b.length && timingSafeEqual(a, b);
}
