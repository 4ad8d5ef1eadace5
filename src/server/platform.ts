import { processLoop, timerLoop, type Loop } from "./driver/loop.ts";
import type { SocketPoll } from "../transport/socket-poll.ts";
import type { Transport } from "../transport/transport.ts";

/** Differences between runtimes: the only place that checks which one runs. */

/** The TCP transport of the current runtime. */
export async function tcpTransport(): Promise<Transport> {
  if ("Bun" in globalThis) {
    const { bunTcp } = await import("../transport/tcp-bun.ts");
    return bunTcp();
  }
  const { nodeTcp } = await import("../transport/tcp-node.ts");
  return nodeTcp();
}

/** Turns of the current runtime's loop. Deno reads no sockets between two immediates. */
export function platformLoop(): Loop {
  return "Deno" in globalThis ? timerLoop : processLoop;
}

/** Null: this runtime does not expose descriptors, or the system has no poll. */
export async function socketPoll(): Promise<SocketPoll | null> {
  if (!("Bun" in globalThis)) return null;
  const { loadTcpControl } = await import("../transport/tcp-bun-control.ts");
  return loadTcpControl();
}
