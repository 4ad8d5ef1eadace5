import { timingSafeEqual } from "node:crypto";
import type { MiddlewareHandler } from "hono";
import { refusal } from "./admin-answer.ts";

export interface GuardSettings {
  /** Host names and addresses, without port, under which the interface may be asked. */
  readonly hosts: readonly string[];
  /** Null: bound to loopback, where every local user may ask. */
  readonly token: string | null;
}

/**
 * Lets through what a person or a script of this machine asks. A web page of another site may not, nor
 * one that has rebound its own name to this address; beyond loopback a token is needed.
 */
export function guard({ hosts, token }: GuardSettings): MiddlewareHandler {
  const allowed = new Set([...hosts, "localhost", "127.0.0.1", "[::1]"]);
  return async (context, next) => {
    const header = (name: string): string | undefined => context.req.header(name);
    const host = hostOf(header("host") ?? "");
    if (!allowed.has(host)) {
      return refusal(context, 403, `this interface is not called ${host}`, "ask for localhost");
    }
    const origin = header("origin");
    const site = header("sec-fetch-site");
    const isForeign = origin !== undefined && !allowed.has(hostOf(origin.replace(/^\w+:\/\//, "")));
    if (isForeign || site === "cross-site" || site === "same-site") {
      return refusal(context, 403, "requests of other sites' pages are refused");
    }
    if (token !== null && !isSame(header("authorization") ?? "", `Bearer ${token}`)) {
      return refusal(
        context,
        401,
        "a token is needed",
        "--token-file names the file that holds it",
      );
    }
    return next();
  };
}

function hostOf(host: string): string {
  return host.replace(/:\d+$/, "").toLowerCase();
}

/** In a time that does not tell how much of it was right. */
function isSame(given: string, wanted: string): boolean {
  const a = Buffer.from(given);
  const b = Buffer.from(wanted);
  return a.length === b.length && timingSafeEqual(a, b);
}
