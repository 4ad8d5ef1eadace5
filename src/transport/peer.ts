import { endpoint } from "./listen-addresses.ts";
import { isLoopback } from "./loopback.ts";

/** Who is at the other end of an accepted socket. */
interface Peer {
  readonly remote: string;
  readonly isLocal: boolean;
}

/**
 * `address` undefined: the peer was gone before the socket was accepted. `path`: of the unix socket
 * that accepted it, whose peers have no address of their own; null: TCP.
 */
export function peerOf(
  address: string | undefined,
  port: number | undefined,
  path: string | null,
): Peer {
  if (path !== null) return { remote: `unix:${path}`, isLocal: true };
  if (address === undefined) return { remote: "unknown", isLocal: false };
  return { remote: endpoint(address, port ?? 0), isLocal: isLoopback(address) };
}
