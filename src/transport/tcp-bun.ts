import { endpoint, listenOn, type BoundAddress } from "./listen-addresses.ts";
import { isLoopback } from "./loopback.ts";
import { loadTcpControl, type TcpControl } from "./tcp-bun-control.ts";
import { loadSocketState, type SocketState } from "./tcp-bun-state.ts";
import { tcpDetectors, type TcpCapabilities } from "./tcp-detectors.ts";
import { tcpEnd } from "./tcp-end.ts";
import type { Link, LinkEvents, TcpWatch, Transport } from "./transport.ts";

interface BunTcpOptions {
  /** How long a peer may take to close after `end()`, before the descriptor is taken back. */
  readonly lingerMs?: number;
}

/** TCP on Bun.listen. */
export function bunTcp(options: BunTcpOptions = {}): Transport & {
  /** What this platform lets it set; known once the first listener is open. */
  readonly capabilities: TcpCapabilities;
} {
  const lingerMs = options.lingerMs ?? 5000;
  let loading: Promise<[TcpControl | null, SocketState | null]> | null = null;
  let capabilities = withoutControl;
  return {
    get capabilities() {
      return capabilities;
    },
    async listen({ host, port, tcp, events }) {
      loading ??= Promise.all([loadTcpControl(), loadSocketState()]);
      const [control, state] = await loading;
      if (control !== null) capabilities = withControl;
      const origin = { events, tcp, control, state, lingerMs };
      return listenOn(host, port, async (address, at) => bind(address, at, origin));
    },
  };
}

const backlog = 4096;

const withoutControl: TcpCapabilities = {
  keepAlive: "idle only",
  userTimeout: false,
  backlog: null,
};

const withControl: TcpCapabilities = {
  keepAlive: "idle, interval, probes",
  userTimeout: true,
  backlog,
};

/** What all links of one listener share. */
interface Origin {
  readonly events: LinkEvents;
  readonly tcp: TcpWatch;
  readonly control: TcpControl | null;
  readonly state: SocketState | null;
  readonly lingerMs: number;
}

function bind(hostname: string, port: number, origin: Origin): BoundAddress {
  const listener = Bun.listen<BunLink>({
    hostname,
    port,
    // Without it a second broker could share the port and get some of the connections.
    exclusive: true,
    // Half-closed by the peer is ended: Bun closes our side after the data that came before the FIN.
    allowHalfOpen: false,
    // There is no `error` handler on purpose: it would swallow what the other handlers throw.
    // Bun has set TCP_NODELAY by the time that `open` is called.
    socket: {
      binaryType: "uint8array",
      open(socket) {
        const link = new BunLink(socket, origin);
        socket.data = link;
        origin.events.opened(link);
      },
      // Bun never uses a chunk's memory again, so that the receiver may keep it.
      data(socket, chunk) {
        socket.data.received(chunk);
      },
      drain(socket) {
        socket.data.writable();
      },
      close(socket, error) {
        socket.data.closed(error);
      },
    },
  });
  const fd = descriptor(listener);
  if (fd !== null) origin.control?.backlog(fd, backlog);
  return { port: listener.port, descriptor: fd, close: async () => listener.stop() };
}

/**
 * open > closed (by the peer or `reset`); open > failing (a write met the end, what had come before
 * is still to be told) > closed; open > ending (`end` sent the FIN) > closed.
 */
type LinkState = "open" | "failing" | "ending" | "closed";

class BunLink implements Link {
  readonly remote: string;
  readonly isLocal: boolean;
  owner: unknown = undefined;
  readonly #socket: Bun.Socket<BunLink>;
  readonly #origin: Origin;
  #state: LinkState = "open";
  #blocked = false;
  #paused = false;
  #linger: ReturnType<typeof setTimeout> | undefined = undefined;
  #onClosed: () => void = nothing;

  constructor(socket: Bun.Socket<BunLink>, origin: Origin) {
    this.#socket = socket;
    this.#origin = origin;
    this.remote = remoteEndpoint(socket);
    this.isLocal = isLoopback(remoteAddress(socket) ?? "");
  }

  get descriptor(): number | null {
    return this.#state === "closed" ? null : descriptor(this.#socket);
  }

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.#state !== "open") return -1;
    const taken = this.#socket.write(bytes, start, end - start);
    if (taken === end - start) return taken;
    if (taken >= 0) {
      this.#blocked = true;
      return taken;
    }
    // The write has used up the socket's error, so that `close` will come without one. To a paused
    // socket it would not come at all.
    this.#state = "failing";
    if (this.#paused) this.#socket.resume();
    return -1;
  }

  pause(): void {
    if (this.#state !== "open" || this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (this.#state !== "open" || !this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  end(onClosed: () => void = nothing): void {
    if (this.#state === "failing") this.reset();
    if (this.#state !== "open") return onClosed();
    this.#state = "ending";
    this.#onClosed = onClosed;
    // Closing with unread data makes a RST of it, which may destroy what the peer has not read yet.
    // So only our side is closed, and what still comes is read and dropped until the peer closes.
    if (this.#paused) this.#socket.resume();
    this.#socket.shutdown();
    this.#linger = setTimeout(terminate, this.#origin.lingerMs, this.#socket);
    this.#linger.unref();
  }

  reset(): void {
    if (this.#state === "closed" || this.#state === "ending") return;
    this.#state = "closed";
    this.#socket.terminate();
  }

  watch(allowedMs: number | null): void {
    if (this.#state !== "open") return;
    const { tcp, control } = this.#origin;
    const detectors = tcpDetectors(tcp, allowedMs);
    const fd = descriptor(this.#socket);
    if (control !== null && fd !== null) {
      control.detect(fd, detectors);
    } else {
      const idleSeconds = detectors.keepAlive?.idleSeconds ?? 0;
      this.#socket.setKeepAlive(idleSeconds > 0, idleSeconds * 1000);
    }
  }

  hasPeerClosed(): boolean {
    const fd = this.#state === "open" ? descriptor(this.#socket) : null;
    return fd !== null && this.#origin.state?.hasPeerClosed(fd) === true;
  }

  unacknowledged(): number | null {
    const fd = this.#state === "open" ? descriptor(this.#socket) : null;
    return fd === null ? null : (this.#origin.state?.unacknowledged(fd) ?? null);
  }

  /** Called by the socket, as are those that follow. */
  received(chunk: Uint8Array): void {
    if (this.#state === "ending") return;
    this.#origin.events.data(this, chunk);
  }

  writable(): void {
    // Bun calls it after `pause` and `resume` as well.
    if (!this.#blocked || this.#state !== "open") return;
    this.#blocked = false;
    this.#origin.events.drained(this);
  }

  closed(error: Error | undefined): void {
    const state = this.#state;
    this.#state = "closed";
    if (this.#linger !== undefined) clearTimeout(this.#linger);
    if (state === "ending") this.#onClosed();
    if (state === "failing") this.#origin.events.closed(this, "reset");
    if (state === "open") {
      this.#origin.events.closed(this, error === undefined ? "eof" : tcpEnd(error));
    }
  }
}

function nothing(): void {}

function terminate(socket: Bun.Socket<BunLink>): void {
  socket.terminate();
}

/** It is gone when the peer has reset the connection before it was accepted. */
function remoteAddress(socket: Bun.Socket<BunLink>): string | undefined {
  return socket.remoteAddress;
}

function remoteEndpoint(socket: Bun.Socket<BunLink>): string {
  const address = remoteAddress(socket);
  return address === undefined ? "unknown" : endpoint(address, socket.remotePort);
}

/** Bun has `fd` on sockets and listeners, but not in its types; null: not on this platform. */
function descriptor(of: object): number | null {
  return "fd" in of && typeof of.fd === "number" && of.fd >= 0 ? of.fd : null;
}
