import type { SocketPoll } from "../transport/socket-poll.ts";
import type { Transport } from "../transport/transport.ts";

/** What differs from runtime to runtime: the one place that asks which one it is. */

/** The TCP transport of the runtime at hand. */
export async function tcpTransport(): Promise<Transport> {
  if ("Bun" in globalThis) {
    const { bunTcp } = await import("../transport/tcp-bun.ts");
    return bunTcp();
  }
  const { nodeTcp } = await import("../transport/tcp-node.ts");
  return nodeTcp();
}

/** Null: this runtime tells no descriptors, or the system has nothing to ask with. */
export async function socketPoll(): Promise<SocketPoll | null> {
  if (!("Bun" in globalThis)) return null;
  const { loadTcpControl } = await import("../transport/tcp-bun-control.ts");
  return loadTcpControl();
}
