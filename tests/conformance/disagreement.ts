import { isDeepStrictEqual } from "node:util";
import type { StatementId } from "../../src/standard/statement.ts";

/** The broker does not do what a check expects. */
export class Disagreement extends Error {
  override name = "Disagreement";
  readonly expected: string;
  readonly came: string;
  /** Set when the broken rule holds for every packet; null: the statements of the check. */
  readonly statement: StatementId | null;

  constructor(expected: string, came: string, statement: StatementId | null = null) {
    super(`${statement === null ? "" : `${statement}: `}expected ${expected}; came ${came}`);
    this.expected = expected;
    this.came = came;
    this.statement = statement;
  }
}

/** The broker lacks the feature under test, and may: the check gives no result. */
export class Skip extends Error {
  override name = "Skip";
}

export function holds(isSo: boolean, expected: string, came: string): void {
  if (!isSo) throw new Disagreement(expected, came);
}

/** Compares two values deeply, regardless of their prototypes. */
export function same(what: string, came: unknown, expected: unknown): void {
  const isSame = isDeepStrictEqual(structuredClone(came), structuredClone(expected));
  holds(isSame, `${what} ${show(expected)}`, show(came));
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
