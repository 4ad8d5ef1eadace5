import type { WillAccount, WillQuery } from "../records/will-account.ts";
import type { Broker } from "../broker.ts";
import { isExcerptOf } from "../records/excerpt.ts";
import type { Millis } from "../io.ts";
import type { WillRecord } from "../records/wills.ts";
import { sorted, type Steps } from "../steps.ts";
import type { WillState } from "../will.ts";

const statesOf: Record<NonNullable<WillQuery["which"]>, readonly WillState[]> = {
  pending: ["armed", "delayed"],
  fired: ["published"],
  notFired: ["discarded", "cancelled"],
};

interface Dated {
  readonly record: WillRecord;
  readonly at: Millis;
}

/**
 * The wills in the ledger, newest first: by their fate, else by when they are due, else by when they
 * were armed; of one moment, the last armed first.
 */
export function* willsOf(broker: Broker, query: WillQuery = {}): Steps<WillAccount> {
  const found: Dated[] = [];
  const { newestId } = broker.records.wills;
  for (const record of broker.records.wills.records()) {
    if (record.id > newestId) break;
    if (matchesQuery(record, query)) found.push({ record, at: momentOf(record) });
    yield null;
  }
  for (const dated of yield* sorted(found, isNewer)) yield dated.record.account;
}

function momentOf({ fate, dueAt, armedAt }: WillRecord): Millis {
  return fate?.at ?? dueAt ?? armedAt;
}

function isNewer(a: Dated, b: Dated): boolean {
  return a.at === b.at ? a.record.id > b.record.id : a.at > b.at;
}

/** The newest will that matches a query; null: none. */
function newestWill(broker: Broker, query: WillQuery): WillRecord | null {
  const { clientId } = query;
  const { clients, wills } = broker.records;
  const history = clientId === undefined ? null : clients.of(clientId);
  // The ledger drops wills, histories drop clients: either may have a will that the other lost.
  return newestOf(history?.wills ?? [], query) ?? newestOf(wills.records(), query);
}

/**
 * The newest will that matches a query, else the first one armed after this call. Returns a
 * function that looks again at each call; null: none yet.
 */
export function awaitedWillOf(broker: Broker, query: WillQuery): () => WillRecord | null {
  const { wills } = broker.records;
  let awaited = newestWill(broker, query);
  let seen = wills.newestId;
  return () => {
    while (awaited === null && seen < wills.newestId) {
      const armed = wills.record(++seen);
      if (armed !== undefined && matchesQuery(armed, query)) awaited = armed;
    }
    return awaited;
  };
}

function newestOf(records: Iterable<WillRecord>, query: WillQuery): WillRecord | null {
  let newest: WillRecord | null = null;
  for (const record of records) if (matchesQuery(record, query)) newest = record;
  return newest;
}

function matchesQuery(record: WillRecord, { clientId, topic, which }: WillQuery): boolean {
  return (
    (clientId === undefined || record.origin.clientId === clientId) &&
    (topic === undefined || isExcerptOf(record.facts.topic, topic)) &&
    (which === undefined || statesOf[which].includes(record.state))
  );
}
