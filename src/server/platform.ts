import type { Transport } from "../transport/transport.ts";

/** The TCP transport of the runtime at hand: the one place that asks which one it is. */
export async function tcpTransport(): Promise<Transport> {
  if ("Bun" in globalThis) {
    const { bunTcp } = await import("../transport/tcp-bun.ts");
    return bunTcp();
  }
  const { nodeTcp } = await import("../transport/tcp-node.ts");
  return nodeTcp();
}
