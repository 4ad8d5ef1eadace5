import { BlockList, isIPv4, isIPv6 } from "node:net";

/** Addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. */
export class TrustedAddresses {
  readonly #list = new BlockList();

  /** `isAddressOrNetwork` holds for each. */
  constructor(written: readonly string[]) {
    for (const one of written) {
      const [address = "", bits] = one.split("/");
      const family = isIPv6(address) ? "ipv6" : "ipv4";
      if (bits === undefined) this.#list.addAddress(address, family);
      else this.#list.addSubnet(address, Number(bits), family);
    }
  }

  /** `remote`: `10.0.0.7:51000`, `[::1]:51000`. A unix socket's own mode decides who is trusted. */
  has(remote: string): boolean {
    if (remote.startsWith("unix:")) return true;
    const address = remote.replace(/:\d+$/, "").replace(/^\[|\]$/g, "");
    if (isIPv4(address)) return this.#list.check(address, "ipv4");
    return isIPv6(address) && this.#list.check(address.replace(/%.*$/, ""), "ipv6");
  }
}

export function isAddressOrNetwork(written: string): boolean {
  const [address = "", bits, ...more] = written.split("/");
  const most = isIPv4(address) ? 32 : isIPv6(address) && !address.includes("%") ? 128 : -1;
  if (more.length > 0 || most < 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
}
