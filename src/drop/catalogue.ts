import { networkScenarios } from "./network.ts";
import type { Scenario } from "./scenario.ts";

/** Every way to die, in the order in which the report tells them. */
export const catalogue: readonly Scenario[] = [...networkScenarios];

/** What plays without being named: seconds, and the faults that most people meet. */
export function quickSet(): readonly Scenario[] {
  return catalogue.filter(({ quick }) => quick);
}
