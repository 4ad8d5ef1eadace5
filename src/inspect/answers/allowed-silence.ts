import { allowedSilenceMs, standardRules } from "../../core/quirks/rules.ts";
import type { ConnectionAccount } from "../../core/records/client-account.ts";

/**
 * Milliseconds of silence that the broker allows a connection; null: any. The broker decides and
 * reports it in `allowedMs`. Without that field, as from an older broker, the end of the connection
 * tells it, or the absence of a closest call; otherwise the standard's value applies.
 */
export function allowedSilence(connection: ConnectionAccount): number | null {
  if (connection.allowedMs !== undefined) return connection.allowedMs;
  const { end, closestCallMs, keepAliveSeconds } = connection;
  if (end !== null) return end.allowedMs;
  return closestCallMs === null ? null : allowedSilenceMs(standardRules, keepAliveSeconds);
}
