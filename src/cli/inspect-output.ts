import { listDefault, listMax } from "../api/api.ts";
import type { BrokerClient } from "../inspect/broker-client.ts";
import type { ViewStyle } from "../inspect/views/table.ts";
import { jsonPieces } from "../log/foreign.ts";
import type { Arguments } from "./arguments.ts";
import { numberFrom } from "./client-flags.ts";
import type { Surroundings } from "./command.ts";

/** Where and how to print answers. */
export interface Output {
  readonly json: boolean;
  readonly style: ViewStyle;
  readonly surroundings: Surroundings;
}

/** Queries the broker and prints its answer. Resolves to the exit code; throws CliError. */
export type Order = (client: BrokerClient, output: Output) => Promise<number>;

/** Prints an answer: as JSON as the broker sent it, or as lines. */
export function show(
  { json, surroundings }: Output,
  answer: object,
  lines: () => readonly string[],
): number {
  if (json) {
    for (const piece of jsonPieces(answer)) surroundings.print(piece);
    surroundings.print("\n");
  } else surroundings.print(`${[...lines(), ...moreLine(answer)].join("\n")}\n`);
  return 0;
}

function moreLine(answer: object): string[] {
  const isCut = "more" in answer && answer.more === true;
  return isCut ? ["There are more; --limit N shows up to N."] : [];
}

/** The width of prose for pipes and terminals without a size. */
const proseColumns = 80;

/** The style of prose, which wraps in a pipe too. */
export function proseStyle({ columns, colors }: ViewStyle): Omit<ViewStyle, "zone"> {
  return { columns: Number.isFinite(columns) ? columns : proseColumns, colors };
}

/** `?limit=5`, or nothing. */
export function limitOf(given: Arguments): [string, string][] {
  const limit = numberFrom(given, "limit", [1, listMax], "a number");
  return limit === null ? [] : [["limit", String(limit)]];
}

/** The most items that the query returns. */
export function itemsOf([limit]: readonly [string, string][]): number {
  return limit === undefined ? listDefault : Number(limit[1]);
}

/** A path with its query; escapes the values. */
export function withQuery(path: string, query: readonly (readonly [string, string])[]): string {
  const asked = new URLSearchParams(Object.fromEntries(query));
  return query.length === 0 ? path : `${path}?${asked.toString()}`;
}
