import type { Ledger, Statement, StatementId, Status } from "./statement.ts";
import { behaviourV4 } from "./statements-v4-behaviour.ts";
import { packetsV4 } from "./statements-v4-packets.ts";
import { behaviourV5 } from "./statements-v5-behaviour.ts";
import { connectV5 } from "./statements-v5-connect.ts";
import { packetsV5 } from "./statements-v5-packets.ts";

const ledgerV4: Ledger = { ...packetsV4, ...behaviourV4 };
const ledgerV5: Ledger = { ...connectV5, ...packetsV5, ...behaviourV5 };

/** All normative statements of MQTT 3.1.1 and 5.0. */
export const ledger: Ledger = { ...ledgerV4, ...ledgerV5 };

export function isStatement(id: string): id is StatementId {
  return Object.hasOwn(ledger, id);
}

/** In the standard's order, 3.1.1 first. */
export const statementIds: readonly StatementId[] = Object.keys(ledger).filter(isStatement);

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

/** Where a statement is: `v5-3.1.2-22` is of version 5, section `3.1.2`, the 22nd there. */
export interface Place {
  readonly version: 4 | 5;
  /** As in the id: `3.1.0` stands for 3.1. */
  readonly section: string;
  readonly number: number;
}

export function placeOf(id: StatementId): Place {
  const [version = "", section = "", number = ""] = id.split("-");
  return { version: version === "v4" ? 4 : 5, section, number: Number(number) };
}

/** As users say it: `3.1.1`. */
export function versionName(version: 4 | 5): string {
  return version === 4 ? "3.1.1" : "5.0";
}
