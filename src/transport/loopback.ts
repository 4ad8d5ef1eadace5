/**
 * Whether a host reaches this machine alone: an address of 127.0.0.0/8 or ::1, however it is
 * written (`127.1`, `::ffff:127.0.0.1`), the name localhost, or null, which stands for both loopback
 * addresses. Any other name may lead anywhere, `127.example.com` too.
 */
export function isLoopback(host: string | null): boolean {
  if (host === null || isLocalhost(host)) return true;
  const written = host.replace(/^\[(.*)\]$/, "$1").replace(/%.*$/, "");
  if (!/^[\w.:-]+$/.test(written)) return false;
  const url = `http://${written.includes(":") ? `[${written}]` : written}/`;
  // A URL's host has one form for each address.
  return URL.canParse(url) && loopback.test(new URL(url).hostname);
}

/** The name, which some programs take for 127.0.0.1 and others for ::1. */
export function isLocalhost(host: string): boolean {
  return /^localhost\.?$/i.test(host);
}

const loopback = /^(?:127(?:\.\d+){3}|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]+\])$/;
