import { channel } from "node:diagnostics_channel";
import { Socket } from "node:net";

/**
 * Has the clients of this process that connect to a port send each packet at once. Otherwise the
 * system holds back a small one until the packet before it is acknowledged, up to 40 ms later (Nagle's
 * algorithm), and a clock that waits for what was sent would miss it. Returns a function that ends it
 * for later connections. Bun and Deno do so by themselves.
 */
export function sendAtOnce(port: number): () => void {
  const created = channel("net.client.socket");
  const onCreated = (message: unknown): void => {
    const socket =
      typeof message === "object" && message !== null && "socket" in message
        ? message.socket
        : null;
    if (!(socket instanceof Socket)) return;
    socket.once("connect", () => {
      if (socket.remotePort === port) socket.setNoDelay(true);
    });
  };
  created.subscribe(onCreated);
  return () => created.unsubscribe(onCreated);
}
