import { isIP } from "node:net";

/**
 * Whether a page may connect, by the Origin that its browser tells. A browser lets any page of the
 * web open a WebSocket to this machine, so only those that this machine serves may by default:
 * `allowed` null. Then the Origin has to be on a loopback address, or on the address to which it
 * connects. Names other than localhost are never trusted, since their owner decides what they
 * resolve to. `*` in the list allows all.
 *
 * `origin` null: the client is no browser, and may connect.
 */
export function isOriginAllowed(
  origin: string | null,
  host: string,
  allowed: readonly string[] | null,
): boolean {
  if (origin === null) return true;
  if (allowed !== null) {
    return (
      allowed.includes("*") || allowed.some((one) => one.toLowerCase() === origin.toLowerCase())
    );
  }
  const from = addressIn(origin);
  return from !== null && (isLoopbackAddress(from) || from === addressIn(`ws://${host}`));
}

/** The loopback name or the address in a URL; null: another name, or no URL. */
function addressIn(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || isIP(host) !== 0 ? host : null;
}

function isLoopbackAddress(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
