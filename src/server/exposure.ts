import { networkInterfaces } from "node:os";
import type { ListenerSettings } from "../config/settings.ts";
import { isLoopback } from "../transport/loopback.ts";
import type { ListeningSocket } from "../transport/transport.ts";
import { urlOf } from "./listener-url.ts";

/**
 * One warning for each listener that other machines can reach without a password or a certificate:
 * how to prevent it, and the address to use if it is intended. And one for each that takes passwords
 * from the network as plain text.
 */
export function openToTheNetwork(
  listeners: readonly ListenerSettings[],
  sockets: readonly Pick<ListeningSocket, "port">[],
): string[] {
  return listeners.flatMap((listener, index) => {
    const socket = sockets[index];
    if (socket === undefined || listener.transport === "unix") return [];
    if (isLoopback(listener.host)) return [];
    if (listener.tls?.requestCert === true) return [];
    const at = `${listener.host ?? ""}:${socket.port}`;
    if (!listener.allowAnonymous) {
      if (listener.tls !== null || listener.passwordFile === null) return [];
      return [
        `${at} takes passwords from the network unencrypted; use a listener with TLS ` +
          "(mqttd certs makes its certificates)",
      ];
    }
    const [copy] = lanAddresses().map((address) => urlOf(listener, `${address}:${socket.port}`));
    return [
      `${at} is open to the network without a password` +
        (copy === undefined ? "" : `, from other machines as ${copy}`) +
        `; leave out --host, or set auth.passwordFile (mqttd passwd)`,
    ];
  });
}

function lanAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal)
    .map((address) => address.address);
}
