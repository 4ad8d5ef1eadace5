/** Id of a normative statement: version first, as everywhere in this project (`v5-3.1.2-22`). */
export type StatementId = `v4-${string}` | `v5-${string}`;

export type Status = "tested" | "gap" | "not applicable";

/** A normative statement of the standard, in our own words. */
export interface Statement {
  readonly says: string;
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

/** At least one check names it. */
export function tested(says: string): Statement {
  return { says, status: "tested", why: "" };
}

/** It binds a server, and no check names it. */
export function gap(says: string, why: string): Statement {
  return { says, status: "gap", why };
}

/** It binds clients only. */
export function client(says: string): Statement {
  return { says, status: "not applicable", why: "binds the client" };
}

/** mqttd has nothing that it could bind. */
export function without(says: string, why: string): Statement {
  return { says, status: "not applicable", why };
}
