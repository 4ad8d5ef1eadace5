import { usageError } from "../config/cli-error.ts";
import type { Env } from "../config/environment.ts";
import { quoted } from "../config/problem.ts";
import type { Arguments } from "./arguments.ts";

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

/** What `--color` asks for. Throws CliError. */
export function colorFrom(given: Arguments): ColorChoice {
  const when = given.text("color") ?? "auto";
  if (when === "auto" || when === "always" || when === "never") return when;
  throw usageError(`--color: found ${quoted(when)}, allowed: "auto", "always" or "never"`);
}
