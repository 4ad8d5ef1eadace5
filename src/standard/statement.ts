/** Id of a normative statement: version first, as everywhere in this project (`v5-3.1.2-22`). */
export type StatementId = `v4-${string}` | `v5-${string}`;

export type Status = "tested" | "gap" | "not applicable";

/** Whom a statement obliges. Where it obliges clients alone, a server often has to react to a breach. */
export type Bound = "client" | "server" | "both";

/** A normative statement of the standard, in our own words. */
export interface Statement {
  /** Begins with a small letter, unless a name comes first, and has no full stop. */
  readonly says: string;
  readonly binds: Bound;
  readonly status: Status;
  /** Why it is a gap, or not applicable; empty if it is tested. */
  readonly why: string;
}

export type Ledger = Readonly<Record<StatementId, Statement>>;

/** Who keeps a statement, as `scripts/evidence.ts` finds it in the sources: a file, a blank, and ... */
export interface Evidence {
  /** ... the noun that obeys it: `src/core/patience.ts endsAt`. */
  readonly obeyed: readonly string[];
  /** ... the title of a check of it: `tests/conformance/checks/will.ts a will is ...`. */
  readonly tests: readonly string[];
}

/** It binds servers, and at least one check names it. */
export function server(says: string): Statement {
  return { says, binds: "server", status: "tested", why: "" };
}

/** It binds clients, and at least one check names it: what mqttd does about a breach. */
export function client(says: string): Statement {
  return { says, binds: "client", status: "tested", why: "" };
}

/** It binds both sides, and at least one check names it. */
export function both(says: string): Statement {
  return { says, binds: "both", status: "tested", why: "" };
}

/** Why no test names what binds clients alone. */
export const clientAlone = "binds the client";

/** It binds clients, and no server has to react to a breach. */
export function clientOnly(says: string): Statement {
  return without(client(says), clientAlone);
}

/** mqttd has nothing that it could bind. */
export function without(statement: Statement, why: string): Statement {
  return { ...statement, status: "not applicable", why };
}
