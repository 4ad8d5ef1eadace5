import type { WillAccount, WillQuery } from "./account.ts";
import type { Broker } from "./broker.ts";
import type { WillRecord } from "./ledger.ts";
import type { WillState } from "./will.ts";

const statesOf: Record<NonNullable<WillQuery["which"]>, readonly WillState[]> = {
  pending: ["armed", "delayed"],
  fired: ["published"],
  notFired: ["discarded", "cancelled"],
};

/** The wills that the ledger knows, newest first. */
export function willsOf(broker: Broker, query: WillQuery = {}): WillAccount[] {
  const { clientId, topic, which } = query;
  const found: WillRecord[] = [];
  for (const record of broker.ledger.records()) {
    if (clientId !== undefined && record.origin.clientId !== clientId) continue;
    if (topic !== undefined && record.facts.topic !== topic) continue;
    if (which !== undefined && !statesOf[which].includes(record.state)) continue;
    found.push(record);
  }
  return found.sort((a, b) => b.id - a.id).map((record) => record.account);
}
