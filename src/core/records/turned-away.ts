import type { EndCause } from "../end-causes.ts";
import { excerpt } from "./excerpt.ts";
import type { RecentEnd, TurnedAwayAccount } from "./broker-account.ts";

/** Ends before a client was let in that its own program has to mend; a FIN or RST says nothing. */
const causes: ReadonlySet<EndCause> = new Set<EndCause>([
  "tlsFailed",
  "webSocketFailed",
  "proxyFailed",
  "refused",
  "connectTimeout",
  "malformedPacket",
  "protocolError",
  "packetTooLarge",
]);

const kept = 10;

/**
 * Connections that were turned away before they were any client's, by address, why, and the client
 * id that was asked for: whoever looks for a client that the broker does not know finds it here.
 */
export class TurnedAway {
  #list: readonly TurnedAwayAccount[] = [];

  /** Newest first. */
  get list(): readonly TurnedAwayAccount[] {
    return this.#list;
  }

  /** A connection ended. `wasConnected`: CONNECT had been accepted. */
  ended(
    { at, remote, cause, causeText, detail, clientId }: RecentEnd,
    wasConnected: boolean,
  ): void {
    if (wasConnected || !causes.has(cause)) return;
    const asked = clientId === "" ? null : clientId;
    const told = excerpt({ at, remote, cause, causeText, detail, clientId: asked });
    const host = hostOf(remote);
    const known = this.#list.find((other) => {
      if (other.cause !== cause || hostOf(other.remote) !== host) return false;
      // The detail of a refusal may count its repetitions.
      return (
        other.clientId === told.clientId && (cause === "refused" || other.detail === told.detail)
      );
    });
    const others = this.#list.filter((other) => other !== known);
    this.#list = [{ ...told, count: (known?.count ?? 0) + 1 }, ...others].slice(0, kept);
  }
}

/** The address without the port. */
export function hostOf(remote: string): string {
  const colon = remote.lastIndexOf(":");
  return colon < 0 ? remote : remote.slice(0, colon);
}
