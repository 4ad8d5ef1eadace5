import type { Env } from "../config/environment.ts";
export type ColorChoice = "auto" | "always" | "never";

/**
 * Whether lines to a stream are coloured: what was asked for, else NO_COLOR, else FORCE_COLOR, else
 * whether a terminal that knows colours reads them. An empty variable is one that is not set.
 */
export function usesColor(choice: ColorChoice, env: Env, isTerminal: boolean): boolean {
  if (choice !== "auto") return choice === "always";
  if (env["NO_COLOR"]) return false;
  const force = env["FORCE_COLOR"];
  if (force) return force !== "0" && force !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}
