import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { Drain } from "./drain.ts";
import { listenOn, type BoundAddress } from "./listen-addresses.ts";
import { peerOf } from "./peer.ts";
import { tcpDetectors, type TcpCapabilities } from "./tcp-detectors.ts";
import { tcpEnd } from "./tcp-end.ts";
import { listenOnPath } from "./unix-address.ts";
import { defaultTransportLimits } from "./transport-limits.ts";
import type { Link, LinkEvents, TcpWatch, Transport } from "./transport.ts";

interface NodeTcpOptions {
  /**
   * How long the link waits after `end()` for the peer to close, before it frees the descriptor.
   */
  readonly lingerMs?: number;
  /** Bytes of ended connections that a listener reads and drops in a second. */
  readonly drainedBytes?: () => number;
}

/** TCP and unix sockets on node:net, for Deno and Node. */
export function nodeTcp(
  options: NodeTcpOptions = {},
): Transport & { readonly capabilities: TcpCapabilities } {
  const lingerMs = options.lingerMs ?? 5000;
  const drainedBytes = options.drainedBytes ?? (() => defaultTransportLimits.drainedBytes);
  return {
    capabilities: { keepAlive: "idle only", userTimeout: false, backlog },
    async listen({ host, port, path = null, tcp, events }) {
      const origin = { events, tcp, lingerMs, path, drain: new Drain(drainedBytes) };
      if (path !== null) return listenOnPath(path, () => bind({ path, backlog }, origin));
      return listenOn(host, port, (address, at) =>
        bind({ host: address, port: at, backlog, exclusive: true }, origin),
      );
    },
  };
}

const backlog = 4096;
/** Bytes that one write may add to node's own buffer beyond its high-water mark. */
const writeMaxBytes = 256 * 1024;

/** State shared by all links of one listener. */
interface Origin {
  readonly events: LinkEvents;
  readonly tcp: TcpWatch;
  readonly lingerMs: number;
  readonly drain: Drain;
  /** Of a unix socket; null: TCP. */
  readonly path: string | null;
}

async function bind(address: ListenOptions, origin: Origin): Promise<BoundAddress> {
  const server = createServer({ noDelay: true, allowHalfOpen: false }, (socket) => {
    const link = new NodeLink(socket, origin);
    origin.events.opened(link);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return { port: boundPort(server), descriptor: null, close: () => close(server) };
}

function boundPort(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === "object" ? address.port : 0;
}

/** Does not await `close`'s callback, which waits for open links too; the port is free at once. */
async function close(server: Server): Promise<void> {
  server.close();
}

/** open > closed (by the peer or `reset`); open > ending (`end` sent the FIN) > closed. */
type LinkState = "open" | "ending" | "closed";

class NodeLink implements Link {
  readonly remote: string;
  readonly isLocal: boolean;
  /** Deno does not expose it, and Node has no poll to use it with. */
  readonly descriptor = null;
  owner: unknown = undefined;
  readonly #socket: Socket;
  readonly #origin: Origin;
  #state: LinkState = "open";
  #blocked = false;
  #linger: ReturnType<typeof setTimeout> | undefined = undefined;
  #onClosed: () => void = nothing;

  constructor(socket: Socket, origin: Origin) {
    this.#socket = socket;
    this.#origin = origin;
    const peer = peerOf(socket.remoteAddress, socket.remotePort, origin.path);
    this.remote = peer.remote;
    this.isLocal = peer.isLocal;
    socket.on("data", (chunk: Uint8Array) => this.#received(chunk));
    socket.on("drain", () => this.#writable());
    socket.on("end", () => this.#closed("eof"));
    socket.on("error", (error) => this.#closed(tcpEnd(error)));
    socket.on("close", () => this.#socketClosed());
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.#state !== "open" || this.#socket.destroyed) return -1;
    // Copied: node buffers what the kernel has no room for, and the caller reuses its bytes.
    let at = start;
    while (at < end && !this.#socket.writableNeedDrain) {
      const next = Math.min(end, at + writeMaxBytes);
      this.#socket.write(new Uint8Array(bytes.subarray(at, next)));
      at = next;
    }
    if (at < end) this.#blocked = true;
    return at - start;
  }

  pause(): void {
    if (this.#state === "open") this.#socket.pause();
  }

  resume(): void {
    if (this.#state === "open") this.#socket.resume();
  }

  end(onClosed: () => void = nothing): void {
    if (this.#state !== "open") return onClosed();
    this.#state = "ending";
    this.#onClosed = onClosed;
    this.#socket.end();
    // Read and drop the rest: closing with unread data would send RST instead of FIN.
    this.#socket.resume();
    this.#boundClose();
  }

  reset(): void {
    if (this.#state === "closed") return;
    // While it is ending, `onClosed` is still to be called.
    if (this.#state !== "ending") this.#state = "closed";
    this.#socket.resetAndDestroy();
  }

  watch(allowedMs: number | null): void {
    if (this.#state !== "open" || this.#origin.path !== null) return;
    const { keepAlive } = tcpDetectors(this.#origin.tcp, allowedMs);
    const idleSeconds = keepAlive?.idleSeconds ?? 0;
    this.#socket.setKeepAlive(idleSeconds > 0, idleSeconds * 1000);
  }

  #received(chunk: Uint8Array): void {
    if (this.#state === "open") return this.#origin.events.data(this, chunk);
    if (this.#state === "ending") this.#origin.drain.dropped(this, chunk.length);
  }

  pauseDrain(): void {
    this.#socket.pause();
  }

  resumeDrain(): void {
    if (this.#state === "ending") this.#socket.resume();
  }

  #writable(): void {
    if (!this.#blocked || this.#state !== "open") return;
    this.#blocked = false;
    this.#origin.events.drained(this);
  }

  #closed(how: "eof" | "reset" | "timeout"): void {
    if (this.#state !== "open") return;
    this.#state = "closed";
    // After the peer's FIN, node first writes its buffered bytes, then closes.
    if (how === "eof") this.#boundClose();
    this.#origin.events.closed(this, how);
  }

  #socketClosed(): void {
    this.#origin.drain.forget(this);
    if (this.#linger !== undefined) clearTimeout(this.#linger);
    if (this.#state === "ending") this.#onClosed();
    this.#closed("eof");
  }

  #boundClose(): void {
    this.#linger = setTimeout(() => this.#socket.destroy(), this.#origin.lingerMs);
    this.#linger.unref();
  }
}

function nothing(): void {}
