import type { ProtocolVersion } from "../packet.ts";

/**
 * The statement of MQTT 3.1.1 that says the same as one of 5.0, where that binds a server or its
 * clients alike. Ids without a number are sections.
 */
const inV4: ReadonlyMap<string, string> = new Map([
  ["v5-1.5.4", "v4-1.5.3"],
  ["v5-3.1.0-1", "v4-3.1.0-1"],
  ["v5-3.1.2-8", "v4-3.1.2-8"],
  ["v5-3.1.3.4", "v4-3.1.3.3"],
  // What a server may refuse by its own rules.
  ["v5-3.1.4-2", "v4-3.1.4"],
  ["v5-3.2.2-12", "v4-3.1.4"],
  ["v5-3.2.2-13", "v4-3.1.4"],
  ["v5-3.2.2-11", "v4-3.3.5-2"],
  ["v5-3.2.2-14", "v4-3.3.5-2"],
  ["v5-3.3.1-6", "v4-3.3.1-10"],
  ["v5-4.3.2", "v4-4.3.2"],
  ["v5-4.3.3", "v4-4.3.3"],
  ["v5-4.7.2-1", "v4-4.7.2-1"],
  ["v5-4.7.3", "v4-4.7.3"],
  ["v5-4.13", "v4-4.8"],
]);

/**
 * A statement as the version that was spoken has it: 5.0 binds no client of another version. 3.1
 * numbers no statements, and has those of 3.1.1. Null: that version says nothing of it.
 */
export function spokenStatement(statement: string | null, version: ProtocolVersion): string | null {
  if (statement === null || version === 5 || !statement.startsWith("v5-")) return statement;
  return inV4.get(statement) ?? null;
}
