import { StallMeter } from "../../src/drop/lab/stall.ts";
import { DialError } from "../../src/client/dial-error.ts";
import { play, type Case } from "./check.ts";
import { Disagreement, Skip } from "./disagreement.ts";
import type { Port } from "./port.ts";
import type { StatementId } from "../../src/standard/statement.ts";

export type Outcome = { readonly case: Case } & (
  | { readonly verdict: "passed" }
  | {
      readonly verdict: "disagrees";
      /** The statements of the case, or the rule for every packet that one packet broke. */
      readonly statements: readonly StatementId[];
      readonly expected: string;
      readonly came: string;
    }
  | { readonly verdict: "skipped"; readonly why: string }
);

/** Plays one case. Rejects on a fault of ours. */
export async function outcomeOf(each: Case, port: Port): Promise<Outcome> {
  try {
    await play(each, port);
    return { case: each, verdict: "passed" };
  } catch (error) {
    if (error instanceof Skip) return { case: each, verdict: "skipped", why: error.message };
    if (error instanceof DialError) {
      const { statements } = each;
      const came = `no connection: ${error.message}`;
      return { case: each, verdict: "disagrees", statements, expected: "a connection", came };
    }
    if (!(error instanceof Disagreement)) throw error;
    const { expected, came, statement } = error;
    const statements = statement === null ? each.statements : [statement];
    return { case: each, verdict: "disagrees", statements, expected, came };
  }
}

/** How often a case is played again, alone, that disagreed while this process was held up. */
const againMost = 2;

/**
 * Plays cases on a broker that other clients may use too, in real time, some in parallel; outcomes are in
 * the order of the cases.
 */
export async function runAll(
  cases: readonly Case[],
  port: Port,
  atOnce: number,
  onOutcome: (outcome: Outcome) => void = () => {},
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const doubtful: number[] = [];
  using stalls = new StallMeter();
  /** False: it disagrees, and this process stood still for as long as a case may be late. */
  const decided = async (index: number, each: Case): Promise<boolean> => {
    const began = performance.now();
    const outcome = await outcomeOf(each, port);
    outcomes[index] = outcome;
    const stalledMs = stalls.between(began, performance.now());
    return outcome.verdict !== "disagrees" || stalledMs < port.marginMs;
  };
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < cases.length; index = next++) {
      const each = cases[index];
      if (each === undefined) return;
      const { needs } = each.check;
      const why = needs === null ? null : `needs ${needs.what}`;
      if (why !== null) outcomes[index] = { case: each, verdict: "skipped", why };
      else if (!(await decided(index, each))) {
        doubtful.push(index);
        continue;
      }
      told(index);
    }
  };
  const told = (index: number): void => {
    const outcome = outcomes[index];
    if (outcome !== undefined) onOutcome(outcome);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  for (const index of doubtful) {
    const each = cases[index];
    if (each === undefined) continue;
    for (let times = 0; times < againMost; times++) if (await decided(index, each)) break;
    told(index);
  }
  return outcomes;
}
