import type { Client, ConnectOptions } from "../../client/client.ts";
import { NotOffered } from "../no-verdict.ts";
import type { Stage } from "../stage.ts";

/** How long sessions that outlive their connections are asked for, beyond what a scenario waits. */
export const keptSeconds = 60;

/** CONNECT's options for a session that outlives its connection: by `seconds` (v5), or for good. */
export function kept(stage: Stage, seconds = keptSeconds): Partial<ConnectOptions> {
  const properties = { sessionExpiryInterval: seconds };
  return { clean: false, ...(stage.isV5 && { properties }) };
}

/**
 * Seconds for which the session outlives its connection: the broker's value, if it said one
 * (v5-3.2.2.3.2), else what was asked for.
 */
export function sessionExpiry(client: Client, asked: number): number {
  return client.connack?.properties?.sessionExpiryInterval ?? asked;
}

/** Throws NotOffered when the broker keeps the session for less than `seconds` (v5). */
export function needsSession(client: Client, seconds = 1): void {
  const inForce = sessionExpiry(client, Infinity);
  if (inForce < seconds) {
    throw new NotOffered(`the broker cuts the session expiry to ${inForce} s, below ${seconds} s`);
  }
}

/** Whether CONNACK says that the session goes on; MQTT 3.1 cannot say. */
export function isResumed(client: Client): boolean {
  return client.version === 3 || client.connack?.sessionPresent === true;
}
