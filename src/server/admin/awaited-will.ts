import type { WillQuery } from "../../core/records/shapes.ts";
import type { Broker } from "../../core/broker.ts";
import type { WillRecord } from "../../core/records/wills.ts";
import { awaitedWillOf } from "../../core/queries/queries.ts";
import type { EventHub } from "../event-hub.ts";

/**
 * The newest will of a client, or on a topic, at the moment of the call; if there is none, the first that
 * is armed then. Resolves as soon as it has met its fate; when the time is over, whoever asked has gone or
 * the broker stops, to what it is by then. Null: there was none in that time.
 */
export async function awaitedWill(
  { broker, hub }: { readonly broker: Broker; readonly hub: EventHub },
  query: Pick<WillQuery, "clientId" | "topic">,
  waitMs: number,
  gone: AbortSignal,
): Promise<WillRecord | null> {
  const awaited = awaitedWillOf(broker, query);
  const isDecided = (): boolean => (awaited()?.fate ?? null) !== null;
  if (isDecided() || gone.aborted) return awaited();
  const { promise, resolve } = Promise.withResolvers<void>();
  const patience = setTimeout(resolve, waitMs);
  const onGone = (): void => resolve();
  gone.addEventListener("abort", onGone);
  const listener = (): void => {
    if (isDecided()) resolve();
  };
  const end = hub.listen(listener, { onClose: resolve });
  await promise;
  end();
  clearTimeout(patience);
  gone.removeEventListener("abort", onGone);
  return awaited();
}
