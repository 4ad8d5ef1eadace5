import type { Env } from "../config/environment.ts";
export type ColorChoice = "auto" | "always" | "never";

/**
 * Whether to colour a stream: by `choice`, else NO_COLOR, else FORCE_COLOR, else whether the stream
 * is a terminal with colours. An empty variable counts as unset.
 */
export function usesColor(choice: ColorChoice, env: Env, isTerminal: boolean): boolean {
  if (choice !== "auto") return choice === "always";
  if (env["NO_COLOR"]) return false;
  const force = env["FORCE_COLOR"];
  if (force) return force !== "0" && force !== "false";
  return isTerminal && env["TERM"] !== "dumb";
}
