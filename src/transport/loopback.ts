/**
 * Whether a host always means this machine: an address in 127.0.0.0/8 or ::1, in any notation
 * (`127.1`, `::ffff:127.0.0.1`), the name localhost, or null (both loopback addresses). Any other
 * name may resolve to any machine, even `127.example.com`.
 */
export function isLoopback(host: string | null): boolean {
  if (host === null) return true;
  // The form in which the system names the peer of each connection.
  if (dottedQuad.test(host)) return host.startsWith("127.");
  if (isLocalhost(host)) return true;
  const written = host.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  if (!/^[\w.:-]+$/.test(written)) return false;
  const url = `http://${written.includes(":") ? `[${written}]` : written}/`;
  // URL parsing normalises the notation of an address.
  return URL.canParse(url) && loopback.test(new URL(url).hostname);
}

/** The name `localhost`, which some programs resolve to 127.0.0.1 and others to ::1. */
export function isLocalhost(host: string): boolean {
  return /^localhost\.?$/i.test(host);
}

const dottedQuad = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const loopback = /^(?:127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/;
