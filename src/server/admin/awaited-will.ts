import type { WillQuery } from "../../core/records/will-account.ts";
import type { Broker } from "../../core/broker.ts";
import type { WillRecord } from "../../core/records/wills.ts";
import { awaitedWillOf } from "../../core/queries/queries.ts";
import type { EventHub } from "../event-hub.ts";

/**
 * The newest will of a client, or on a topic, at the time of the call; if there is none, the first
 * armed later. Resolves once the will is decided; after `waitMs`, or if the request is aborted or
 * the broker stops, to its state then. Null: no will appeared.
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
  // Not `Promise.withResolvers`, which Node 20 lacks.
  let resolve = (): void => {};
  const decided = new Promise<void>((settle) => (resolve = settle));
  const timeout = setTimeout(resolve, waitMs);
  const onAbort = (): void => resolve();
  signal.addEventListener("abort", onAbort);
  const listener = (): void => {
    if (isDecided()) resolve();
  };
  const stopListening = hub.listen(listener, { onClose: resolve });
  await decided;
  stopListening();
  clearTimeout(timeout);
  signal.removeEventListener("abort", onAbort);
  return awaited();
}
