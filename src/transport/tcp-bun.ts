import { Drain } from "./drain.ts";
import { listenOn, type BoundAddress } from "./listen-addresses.ts";
import { peerOf } from "./peer.ts";
import { loadTcpControl, type TcpControl } from "./tcp-bun-control.ts";
import { loadSocketState, type SocketState } from "./tcp-bun-state.ts";
import { tcpDetectors, type TcpCapabilities, type TcpDetectors } from "./tcp-detectors.ts";
import { tcpEnd } from "./tcp-end.ts";
import { listenOnPath } from "./unix-address.ts";
import { defaultTransportLimits } from "./transport-limits.ts";
import type { Link, LinkEvents, TcpWatch, Transport } from "./transport.ts";

interface BunTcpOptions {
  /**
   * How long the link waits after `end()` for the peer to close, before it frees the descriptor.
   */
  readonly lingerMs?: number;
  /** Bytes of ended connections that a listener reads and drops in a second. */
  readonly drainedBytes?: () => number;
}

/** TCP and unix sockets on Bun.listen. */
export function bunTcp(options: BunTcpOptions = {}): Transport & {
  /** What this platform can set; known once the first listener is open. */
  readonly capabilities: TcpCapabilities;
} {
  const lingerMs = options.lingerMs ?? 5000;
  const drainedBytes = options.drainedBytes ?? (() => defaultTransportLimits.drainedBytes);
  let loading: Promise<[TcpControl | null, SocketState | null]> | null = null;
  let capabilities = withoutControl;
  return {
    get capabilities() {
      return capabilities;
    },
    async listen({ host, port, path = null, tcp, events }) {
      loading ??= Promise.all([loadTcpControl(), loadSocketState()]);
      const [control, state] = await loading;
      if (control !== null) capabilities = withControl;
      const endings = new Endings();
      const origin: Origin = {
        ...{ events, tcp, control, state, lingerMs, endings, path },
        drain: new Drain(drainedBytes),
        inherited: null,
      };
      if (path !== null) return listenOnPath(path, async () => bindPath(path, origin));
      return listenOn(host, port, async (address, at) => bind(address, at, origin));
    },
  };
}

const backlog = 4096;
/** What most clients' libraries ask for by default: 60 s, of which one and a half times are allowed. */
const commonAllowedMs = 90_000;

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

/** State shared by all links of one listener. */
interface Origin {
  readonly events: LinkEvents;
  readonly tcp: TcpWatch;
  readonly control: TcpControl | null;
  readonly state: SocketState | null;
  readonly lingerMs: number;
  readonly endings: Endings;
  readonly drain: Drain;
  /** Of a unix socket; null: TCP. */
  readonly path: string | null;
  /** Detectors that accepted sockets have from the start; null: unknown. */
  inherited: TcpDetectors | null;
}

/** Links that one timer shuts down at once, at most. */
const shutDownAtOnce = 256;

/**
 * Links to shut down. Each waits until the loop has read its sockets once more: a client that sent
 * DISCONNECT mostly closes with it, and then its socket is closed without a shutdown and a timer.
 */
class Endings {
  #waiting: BunLink[] = [];
  #due: BunLink[] = [];

  add(link: BunLink): void {
    if (this.#waiting.push(link) === 1 && this.#due.length === 0) this.#arm();
  }

  #arm(): void {
    setTimeout(() => this.#pass(), 0);
  }

  #pass(): void {
    for (const link of this.#due.splice(0, shutDownAtOnce)) link.shutDown();
    if (this.#due.length === 0) {
      this.#due = this.#waiting;
      this.#waiting = [];
    }
    if (this.#due.length > 0) this.#arm();
  }
}

function bind(hostname: string, port: number, origin: Origin): BoundAddress {
  const listener = Bun.listen<BunLink>({
    hostname,
    port,
    // Otherwise a second broker could share the port and receive some of the connections.
    exclusive: true,
    // The peer's FIN ends the connection: Bun closes our side after the data before the FIN.
    allowHalfOpen: false,
    // No `error` handler on purpose: it would swallow exceptions of the other handlers.
    // Bun has set TCP_NODELAY before it calls `open`.
    socket: handlers(origin),
  });
  const fd = descriptor(listener);
  if (fd !== null && origin.control !== null) {
    origin.control.backlog(fd, backlog);
    if (origin.control.inheritsDetectors) {
      // Its connections need no calls then if their keepalive is the commonest one.
      const detectors = tcpDetectors(origin.tcp, commonAllowedMs);
      origin.control.detect(fd, detectors, null);
      origin.inherited = detectors;
    }
  }
  return { port: listener.port, descriptor: fd, close: async () => listener.stop() };
}

function bindPath(path: string, origin: Origin): BoundAddress {
  const listener = Bun.listen<BunLink>({ unix: path, socket: handlers(origin) });
  const fd = descriptor(listener);
  if (fd !== null) origin.control?.backlog(fd, backlog);
  return { port: 0, descriptor: fd, close: async () => listener.stop() };
}

function handlers(origin: Origin): Bun.TCPSocketListenOptions<BunLink>["socket"] {
  return {
    binaryType: "uint8array",
    open(socket) {
      const link = new BunLink(socket, origin);
      socket.data = link;
      origin.events.opened(link);
    },
    // Bun never reuses a chunk's memory, so the receiver may keep it.
    data(socket, chunk) {
      socket.data.received(chunk);
    },
    drain(socket) {
      socket.data.writable();
    },
    close(socket, error) {
      socket.data.closed(error);
    },
  };
}

/**
 * open > closed (by the peer or `reset`); open > failing (a write hit the end; data received before
 * it is not reported yet) > closed; open > ending (`end` sent the FIN) > closed.
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
  /** Its detectors are no longer those that it was accepted with. */
  #isWatched = false;
  #linger: ReturnType<typeof setTimeout> | undefined = undefined;
  #onClosed: () => void = nothing;

  constructor(socket: Bun.Socket<BunLink>, origin: Origin) {
    this.#socket = socket;
    this.#origin = origin;
    const peer = peerOf(remoteAddress(socket), socket.remotePort, origin.path);
    this.remote = peer.remote;
    this.isLocal = peer.isLocal;
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
    // The failed write consumed the socket's error, so Bun calls `close` without one, and for a
    // paused socket not at all.
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
    // Closing with unread data sends RST, which may destroy bytes that the peer has not read yet.
    // So close only our side, and read and drop the rest until the peer closes.
    if (this.#paused) this.#socket.resume();
    this.#origin.endings.add(this);
  }

  /** Sends the FIN, unless the peer has closed meanwhile. */
  shutDown(): void {
    if (this.#state !== "ending") return;
    this.#socket.shutdown();
    this.#linger = setTimeout(terminate, this.#origin.lingerMs, this.#socket);
    this.#linger.unref();
  }

  reset(): void {
    if (this.#state === "closed") return;
    // While it is ending, `onClosed` is still to be called.
    if (this.#state !== "ending") this.#state = "closed";
    this.#socket.terminate();
  }

  watch(allowedMs: number | null): void {
    if (this.#state !== "open" || this.#origin.path !== null) return;
    const { tcp, control } = this.#origin;
    const detectors = tcpDetectors(tcp, allowedMs);
    const fd = descriptor(this.#socket);
    if (control !== null && fd !== null) {
      control.detect(fd, detectors, this.#isWatched ? null : this.#origin.inherited);
      this.#isWatched = true;
    } else {
      const idleSeconds = detectors.keepAlive?.idleSeconds ?? 0;
      this.#socket.setKeepAlive(idleSeconds > 0, idleSeconds * 1000);
    }
  }

  hasPeerClosed(): boolean {
    const fd = this.#state === "open" ? descriptor(this.#socket) : null;
    return fd !== null && this.#origin.state?.hasPeerClosed(fd) === true;
  }

  readAhead(): void {
    const fd = this.#state === "open" && !this.#paused ? descriptor(this.#socket) : null;
    const chunk = fd === null ? null : (this.#origin.state?.receive(fd) ?? null);
    if (chunk !== null) this.received(chunk);
  }

  unacknowledged(): number | null {
    const fd = this.#state === "open" ? descriptor(this.#socket) : null;
    return fd === null ? null : (this.#origin.state?.unacknowledged(fd) ?? null);
  }

  /** The socket calls this and the following methods. */
  received(chunk: Uint8Array): void {
    if (this.#state === "ending") return this.#origin.drain.dropped(this, chunk.length);
    this.#origin.events.data(this, chunk);
  }

  pauseDrain(): void {
    this.#socket.pause();
  }

  resumeDrain(): void {
    if (this.#state === "ending") this.#socket.resume();
  }

  writable(): void {
    // Bun also calls `drain` after `pause` and `resume`.
    if (!this.#blocked || this.#state !== "open") return;
    this.#blocked = false;
    this.#origin.events.drained(this);
  }

  closed(error: Error | undefined): void {
    const state = this.#state;
    this.#state = "closed";
    this.#origin.drain.forget(this);
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

/** Undefined if the peer reset the connection before it was accepted. */
function remoteAddress(socket: Bun.Socket<BunLink>): string | undefined {
  return socket.remoteAddress;
}

/** Bun sets `fd` on sockets and listeners but omits it in its types. Null: not on this platform. */
function descriptor(of: object): number | null {
  return "fd" in of && typeof of.fd === "number" && of.fd >= 0 ? of.fd : null;
}
