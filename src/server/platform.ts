import type { ListenerSettings } from "../config/settings.ts";
import { assert } from "../core/assert.ts";
import type { ListenerCertificates } from "./certificates.ts";
import { processLoop, timerLoop, type Loop } from "./driver/loop.ts";
import type { Collector } from "./garbage.ts";
import type { SystemClock } from "./system-clock-bun.ts";
import { TrustedAddresses } from "../transport/trusted-addresses.ts";
import type { SocketPoll } from "../transport/socket-poll.ts";
import type { TransportLimits } from "../transport/transport-limits.ts";
import type { Transport } from "../transport/transport.ts";

/** Differences between runtimes: the only place that checks which one runs. */

/**
 * The transport of a listener: TCP or a unix socket, and what stands on top of it. `certificates`: of
 * a listener with TLS. `limits`: those in force.
 */
export async function transportFor(
  { proxies, tls, webSocket }: ListenerSettings,
  certificates: ListenerCertificates | null,
  limits: () => TransportLimits,
): Promise<Transport> {
  let transport = await sockets(() => limits().drainedBytes);
  if (proxies !== null) {
    const { proxied } = await import("../transport/proxied.ts");
    transport = proxied(transport, new TrustedAddresses(proxies));
  }
  if (tls !== null) {
    assert(certificates !== null, "a listener with TLS has certificates");
    const onTls = await import("../transport/tls.ts");
    transport = onTls.tls(transport, certificates.contexts, { onKeys: certificates.onKeys });
  }
  if (webSocket !== null) {
    const onWebSocket = await import("../transport/websocket.ts");
    const loop = platformLoop();
    const soon = (work: () => void): void => loop.soon(work);
    transport = onWebSocket.webSocket(transport, { ...webSocket, limits, soon });
  }
  return transport;
}

/** What TLS can't do on the current runtime. */
export function missingTlsFeatures(): { readonly crl: boolean; readonly keyLog: boolean } {
  const isMissing = !("Bun" in globalThis);
  return { crl: isMissing, keyLog: isMissing };
}

async function sockets(drainedBytes: () => number): Promise<Transport> {
  if ("Bun" in globalThis) {
    const { bunTcp } = await import("../transport/tcp-bun.ts");
    return bunTcp({ drainedBytes });
  }
  const { nodeTcp } = await import("../transport/tcp-node.ts");
  return nodeTcp({ drainedBytes });
}

/** Turns of the current runtime's loop. Deno reads no sockets between two immediates. */
export function platformLoop(): Loop {
  return "Deno" in globalThis ? timerLoop : processLoop;
}

/** Null: this runtime offers no such calls. */
export async function garbageCollector(): Promise<Collector | null> {
  if (!("Bun" in globalThis)) return null;
  const { edenGC } = await import("bun:jsc");
  return { young: () => void edenGC(), all: () => Bun.gc(true) };
}

/** Null: this runtime calls no C library, or the system is not Linux. */
export async function systemClock(): Promise<SystemClock | null> {
  if (!("Bun" in globalThis)) return null;
  const { loadSystemClock } = await import("./system-clock-bun.ts");
  return loadSystemClock();
}

/** Null: this runtime does not expose descriptors, or the system has no poll. */
export async function socketPoll(): Promise<SocketPoll | null> {
  if (!("Bun" in globalThis)) return null;
  const { loadTcpControl } = await import("../transport/tcp-bun-control.ts");
  return loadTcpControl();
}

/**
 * Opens a service manager's socket: returns what sends one datagram and is false if it was not taken,
 * or the reason why none can be sent.
 */
export async function notifySocket(address: string): Promise<((text: string) => boolean) | string> {
  if (!("Bun" in globalThis)) return "this runtime has no such sockets";
  const { openNotifySocket } = await import("./notify-socket-bun.ts");
  return openNotifySocket(address);
}
