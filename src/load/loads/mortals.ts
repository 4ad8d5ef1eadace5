import { type Client, forAll } from "../client.ts";
import type { Figure, LoadContext } from "../load.ts";
import { pingreq, type Version } from "../packets.ts";
import { delays } from "../statistics.ts";

/** Clients that ping until they fall silent. */
export async function pingingMortals(
  context: LoadContext,
  count: number,
  fields: (at: number) => Parameters<Client["open"]>[0],
): Promise<{ readonly clients: readonly Client[]; readonly stopPings: () => void }> {
  const clients: Client[] = [];
  const pings = setInterval(() => {
    for (const client of clients) if (client.isOpen) client.write(pingreq);
  }, pingEveryMs);
  await mortals(context, count, fields, context.target.version, clients);
  return { clients, stopPings: () => clearInterval(pings) };
}

/** Well below the shortest keepalive of a load. */
const pingEveryMs = 500;

/** Clients that the load itself will end, added to `clients` before they connect. */
export async function mortals(
  context: LoadContext,
  count: number,
  fields: (at: number) => Parameters<Client["open"]>[0],
  version: Version = context.target.version,
  clients: Client[] = [],
): Promise<Client[]> {
  for (let at = 0; at < count; at++) clients.push(context.client(`m-${at}`, version));
  await forAll(clients, async (client, at) => client.open(fields(at)));
  return clients;
}

/** How late many things were; the first figure is the one to compare. */
export function lateness(milliseconds: readonly number[]): Figure[] {
  const { p50, p99, worst } = delays(milliseconds);
  return [
    { name: "late p99", value: p99 ?? Number.NaN, unit: "ms" },
    { name: "late p50", value: p50 ?? Number.NaN, unit: "ms" },
    { name: "late worst", value: worst ?? Number.NaN, unit: "ms" },
  ];
}
