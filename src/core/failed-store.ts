import type { Broker } from "./broker.ts";
import type { StoreFailure } from "./durable.ts";
import type { Millis } from "./io.ts";
import { Reason, type ReasonCode } from "./reason.ts";
import type { Session } from "./session.ts";

/** The store keeps nothing at the moment. */
export interface FailedStore {
  readonly failure: StoreFailure;
  readonly since: Millis;
}

/** The reason code of what can't be kept. */
export function reasonOf({ isFull }: StoreFailure): ReasonCode {
  return isFull ? Reason.quotaExceeded : Reason.implementationSpecificError;
}

/** The reason code of a CONNACK that refuses for it. */
export function connackReasonOf({ isFull }: StoreFailure): ReasonCode {
  return isFull ? Reason.quotaExceeded : Reason.serverUnavailable;
}

/** Why nothing of a session can be kept now, if it outlives its connection; null: it can. */
export function failureFor({ failedStore }: Broker, session: Session): StoreFailure | null {
  if (failedStore === null || session.expiryIntervalSeconds === 0) return null;
  return failedStore.failure;
}
