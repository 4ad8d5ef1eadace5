import type { Client } from "../client.ts";
import { subscribe } from "../packets.ts";

const filtersAtOnce = 500;

/** Subscribes to filters, QoS 0, some in each SUBSCRIBE. Resolves to how many were refused. */
export async function subscribeAll(client: Client, filters: readonly string[]): Promise<number> {
  let refused = 0;
  for (let at = 0; at < filters.length; at += filtersAtOnce) {
    const some = filters.slice(at, at + filtersAtOnce);
    const id = 1 + at / filtersAtOnce;
    const { bytes } = await client.request(subscribe(client.target.version, id, some, 0), 0x90);
    refused += bytes.subarray(-some.length).filter((code) => code >= 0x80).length;
  }
  return refused;
}
