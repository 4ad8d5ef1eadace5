import type { WillAccount, WillQuery } from "../records/shapes.ts";
import type { Broker } from "../broker.ts";
import { isExcerptOf } from "../records/excerpt.ts";
import type { WillRecord } from "../records/ledger.ts";
import type { Walk } from "../walk.ts";
import type { WillState } from "../will.ts";

const statesOf: Record<NonNullable<WillQuery["which"]>, readonly WillState[]> = {
  pending: ["armed", "delayed"],
  fired: ["published"],
  notFired: ["discarded", "cancelled"],
};

/** The wills that the ledger knows, newest first. */
export function* willsOf(broker: Broker, query: WillQuery = {}): Walk<WillAccount> {
  const found: WillRecord[] = [];
  const { newestId } = broker.ledger;
  for (const record of broker.ledger.records()) {
    if (record.id > newestId) break;
    if (isAskedFor(record, query)) found.push(record);
    yield null;
  }
  for (let record = found.pop(); record !== undefined; record = found.pop()) yield record.account;
}

/** The newest will, of those of a client, on a topic, or of all; null: none is known. */
export function newestWill(broker: Broker, query: WillQuery): WillRecord | null {
  const { clientId } = query;
  const history = clientId === undefined ? null : broker.histories.of(clientId);
  // The ledger forgets by wills, and histories are forgotten by clients: either may know more.
  return newestOf(history?.wills ?? [], query) ?? newestOf(broker.ledger.records(), query);
}

function newestOf(records: Iterable<WillRecord>, query: WillQuery): WillRecord | null {
  let newest: WillRecord | null = null;
  for (const record of records) if (isAskedFor(record, query)) newest = record;
  return newest;
}

export function isAskedFor(record: WillRecord, { clientId, topic, which }: WillQuery): boolean {
  return (
    (clientId === undefined || record.origin.clientId === clientId) &&
    (topic === undefined || isExcerptOf(record.facts.topic, topic)) &&
    (which === undefined || statesOf[which].includes(record.state))
  );
}
