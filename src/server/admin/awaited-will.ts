import type { WillQuery } from "../../core/records/shapes.ts";
import type { Broker } from "../../core/broker.ts";
import type { WillRecord } from "../../core/records/wills.ts";
import { awaitedWillOf } from "../../core/queries/queries.ts";
import type { EventHub } from "../event-hub.ts";

/**
 * The newest will of a client, or on a topic, at the moment of the call; if there is none, the first that
 * is armed then. Resolves as soon as it has met its fate; after `waitMs`, when the request is aborted or
 * the broker stops, to what it is by then. Null: there was none in that time.
 */
export async function awaitedWill(
  { broker, hub }: { readonly broker: Broker; readonly hub: EventHub },
  query: Pick<WillQuery, "clientId" | "topic">,
  waitMs: number,
  signal: AbortSignal,
): Promise<WillRecord | null> {
  const awaited = awaitedWillOf(broker, query);
  const isDecided = (): boolean => (awaited()?.fate ?? null) !== null;
  if (isDecided() || signal.aborted) return awaited();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timeout = setTimeout(resolve, waitMs);
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort);
  const listener = (): void => {
    if (isDecided()) resolve();
  };
  const stopListening = hub.listen(listener, { onClose: resolve });
  await promise;
  stopListening();
  clearTimeout(timeout);
  signal.removeEventListener("abort", onAbort);
  return awaited();
}
