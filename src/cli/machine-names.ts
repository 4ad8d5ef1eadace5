import { isIP } from "node:net";
import { hostname, networkInterfaces } from "node:os";

/** What a client may call the machine: a DNS name or an IP address. */
export interface ServerName {
  readonly type: "dns" | "ip";
  readonly value: string;
}

/** Characters; a longer one is no DNS name. */
const dnsMax = 253;

/** Labels of letters, digits and inner hyphens; the first may be `*`. */
const dnsName =
  /^(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;

/** Null: it is neither a DNS name nor an address. */
export function serverNameOf(text: string): ServerName | null {
  const bare = text.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return { type: "ip", value: bare };
  const value = text.toLowerCase().replace(/\.$/, "");
  return value.length <= dnsMax && dnsName.test(value) ? { type: "dns", value } : null;
}

/**
 * The names and addresses under which clients of a lab reach this machine: those of loopback, its
 * host name, also as mDNS announces it, and its addresses in its networks.
 */
export function machineNames(): ServerName[] {
  const host = hostname();
  const names = ["localhost", host, ...(host.includes(".") ? [] : [`${host}.local`])];
  const addresses = Object.values(networkInterfaces())
    .flatMap((found) => found ?? [])
    // A link-local IPv6 address is reached with the name of an interface, which no certificate has.
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ address }) => address);
  return distinct(
    [...names, "127.0.0.1", "::1", ...addresses].flatMap((text) => serverNameOf(text) ?? []),
  );
}

export function distinct(names: readonly ServerName[]): ServerName[] {
  return [...new Map(names.map((one) => [`${one.type} ${one.value}`, one])).values()];
}
