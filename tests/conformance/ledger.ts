import { ledgerV4 } from "./ledger-v4.ts";
import { ledgerV5 } from "./ledger-v5.ts";
import type { Ledger, Statement, StatementId, Status } from "./statement.ts";

/** All normative statements of MQTT 3.1.1 and 5.0. */
export const ledger: Ledger = { ...ledgerV4, ...ledgerV5 };

export function isStatement(id: string): id is StatementId {
  return id in ledger;
}

/** The statements of one version, in the standard's order. */
export function statementsOf(version: 4 | 5): (Statement & { readonly id: StatementId })[] {
  return Object.entries(version === 4 ? ledgerV4 : ledgerV5).map(([id, statement]) => ({
    ...statement,
    id: id as StatementId,
  }));
}

/** The number of statements of one version with a status. */
export function countOf(version: 4 | 5, status: Status): number {
  return statementsOf(version).filter((statement) => statement.status === status).length;
}
