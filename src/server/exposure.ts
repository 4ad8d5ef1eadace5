import { isIPv6 } from "node:net";
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
    const host = listener.host ?? "";
    const at = `${isIPv6(host) ? `[${host}]` : host}:${socket.port}`;
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
        `; set auth.passwordFile (mqttd passwd), or listen on this machine only`,
    ];
  });
}

/** This machine's IPv4 addresses in its networks; those of containers and tunnels come last. */
export function lanAddresses(interfaces = networkInterfaces()): string[] {
  return Object.entries(interfaces)
    .flatMap(([name, found = []]) =>
      found.map((one) => ({ ...one, isVirtual: virtual.test(name) })),
    )
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .sort((a, b) => Number(a.isVirtual) - Number(b.isVirtual))
    .map(({ address }) => address);
}

/** Names of interfaces that lead to no board. */
const virtual = /^(?:docker|podman|br-|veth|virbr|vmnet|vboxnet|tailscale|utun|tun|wg|zt)/;
