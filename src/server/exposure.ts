import { networkInterfaces } from "node:os";
import type { ListenerSettings } from "../config/settings.ts";
import { isLoopback } from "../transport/loopback.ts";
import type { ListeningSocket } from "../transport/transport.ts";
import { urlOf } from "./listener-url.ts";

/**
 * One warning for each listener that other machines can reach without a password: how to prevent
 * it, and the address to use if it is intended.
 */
export function openToTheNetwork(
  listeners: readonly ListenerSettings[],
  sockets: readonly ListeningSocket[],
): string[] {
  return listeners.flatMap((listener, index) => {
    const socket = sockets[index];
    if (socket === undefined || !listener.allowAnonymous || isLoopback(listener.host)) return [];
    const [copy] = lanAddresses().map((address) => urlOf(listener, `${address}:${socket.port}`));
    return [
      `${listener.host ?? ""}:${socket.port} is open to the network without a password` +
        (copy === undefined ? "" : `, from other machines as ${copy}`) +
        `; leave out --host to listen on this machine only`,
    ];
  });
}

function lanAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal)
    .map((address) => address.address);
}
