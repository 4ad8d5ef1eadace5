import { allowedSilenceMs, standardRules } from "../../core/quirks/rules.ts";
import type { ConnectionAccount } from "../../core/records/shapes.ts";

/**
 * Milliseconds of silence that the broker allows a connection; null: any. The broker decides it and
 * says so. One that is older than that field tells the same in other fields, where it knows it: how
 * the connection ended, or that there is no closest call to a deadline. What is left is the standard's.
 */
export function allowedSilence(connection: ConnectionAccount): number | null {
  if (connection.allowedMs !== undefined) return connection.allowedMs;
  const { end, closestCallMs, keepAliveSeconds } = connection;
  if (end !== null) return end.allowedMs;
  return closestCallMs === null ? null : allowedSilenceMs(standardRules, keepAliveSeconds);
}
