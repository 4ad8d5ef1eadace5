import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Loss } from "../../src/core/end-causes.ts";
import { bunTcp } from "../../src/transport/tcp-bun.ts";
import { nodeTcp } from "../../src/transport/tcp-node.ts";
import { tls } from "../../src/transport/tls.ts";
import { TlsContexts } from "../../src/transport/tls-contexts.ts";
import { defaultTransportLimits } from "../../src/transport/transport-limits.ts";
import { webSocket } from "../../src/transport/websocket.ts";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { eventually, within } from "../support/inbox.ts";
import { TlsPeer } from "./tls-peer.ts";
import { beginning, WebSocketPeer } from "./websocket-peer.ts";
import type {
  Link,
  LinkEvents,
  ListeningSocket,
  Transport,
} from "../../src/transport/transport.ts";

type Make = (options?: { lingerMs: number }) => Transport;

/** How a client reaches a port: options of Bun.connect, without its handlers. */
export type At = (port: number) => object;

const tcp: At = (port) => ({ hostname: "127.0.0.1", port });
const overTls: At = (port) => ({ ...tcp(port), tls: { rejectUnauthorized: false } });
const overWebSocket: At = (port) => ({ ...tcp(port), isWebSocket: true });
const overSecureWebSocket: At = (port) => ({ ...overTls(port), isWebSocket: true });
const path: At = (port) => ({ unix: pathOf(port) });

/** The implementations for host and port, in plain text. */
export const tcpTransports: readonly (readonly [name: string, make: Make])[] = [
  ["tcp-bun", bunTcp],
  ["tcp-node", nodeTcp],
];

const onTls =
  opensslMissing === null
    ? [onTop("tls on tcp-bun", bunTcp), onTop("tls on tcp-node", nodeTcp)]
    : [];

/** Every implementation of the interface: the suite runs over each. */
export const transports: readonly (readonly [name: string, make: Make, at: At])[] = [
  ...tcpTransports.map(([name, make]) => [name, make, tcp] as const),
  ["unix-bun", onPath(bunTcp), path],
  ["unix-node", onPath(nodeTcp), path],
  ...onTls,
  ["ws on tcp-bun", onFrames(bunTcp), overWebSocket],
  ["ws on tcp-node", onFrames(nodeTcp), overWebSocket],
  ...onTls.map(([name, make]) => [`ws on ${name}`, onFrames(make), overSecureWebSocket] as const),
];

/** The largest packet of the WebSockets; bytes. */
export const packetSize = 1 << 20;

function onFrames(below: Make): Make {
  return (options) =>
    webSocket(below(options), {
      ...{ path: null, origins: null },
      limits: () => ({ ...defaultTransportLimits, packetSize }),
      soon: (work) => void setImmediate(work),
    });
}

function onTop(name: string, below: Make): readonly [string, Make, At] {
  return [name, (options) => tls(below(options), contexts(), options), overTls];
}

let made: TlsContexts | null = null;

function contexts(): TlsContexts {
  if (made !== null) return made;
  using authority = new Authority();
  const { cert, key } = authority.issue("broker", ["DNS:localhost", "IP:127.0.0.1"]);
  made = new TlsContexts({
    certificates: [{ cert, key, passphrase: null }],
    ...{ ca: null, crl: null, requestCert: false, identityAsUsername: false },
    minVersion: "TLSv1.2",
  });
  return made;
}

let sockets = 0;

/** A unix socket has no port, so each gets a number. */
function onPath(make: Make): Make {
  return (options) => ({
    listen: async (listen) => {
      const port = (sockets += 1);
      return { ...(await make(options).listen({ ...listen, path: pathOf(port) })), port };
    },
  });
}

function pathOf(port: number): string {
  return join(tmpdir(), `mqttd-test-${process.pid}-${port}.sock`);
}

/** Whether a reset reaches the other side as such: unix sockets have no RST. */
export function hasReset(name: string): boolean {
  return !name.startsWith("unix");
}

/** Listener events in order, and promises for future ones. */
export class Recorder implements LinkEvents {
  /** `opened`, `data`, `drained`, and ways to end; runs of `data` are one entry. */
  readonly log: string[] = [];
  /** What the ends were told with. */
  readonly details: string[] = [];
  readonly links: Link[] = [];
  readonly chunks: Uint8Array[] = [];
  readonly #ended = new Set<Link>();
  /** Set by a test that acts inside a callback. */
  onOpened: (link: Link) => void = () => {};
  onData: (link: Link, chunk: Uint8Array) => void = () => {};
  onClosed: (link: Link) => void = () => {};
  /** `data` without bytes, which tells that the link holds more or less. */
  onHeld: (link: Link) => void = () => {};
  #waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  opened(link: Link): void {
    this.links.push(link);
    this.#add("opened");
    this.onOpened(link);
  }

  data(link: Link, chunk: Uint8Array): void {
    if (chunk.length === 0) return this.onHeld(link);
    this.chunks.push(chunk);
    if (this.log.at(-1) !== "data") this.log.push("data");
    this.onData(link, chunk);
    this.#look();
  }

  drained(): void {
    this.#add("drained");
  }

  closed(link: Link, how: Loss, detail?: string): void {
    this.#ended.add(link);
    if (detail !== undefined) this.details.push(detail);
    this.#add(how);
    this.onClosed(link);
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString("latin1");
  }

  get received(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** Resolves as soon as `condition` holds; checked after each event. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ until: condition, resolve });
    await within(promise, () => `the events were ${this.log.join(", ")}`);
  }

  told(event: string): Promise<void> {
    return this.until(() => this.log.includes(event));
  }

  async link(index = 0): Promise<Link> {
    await this.until(() => this.links.length > index);
    const link = this.links[index];
    if (link === undefined) throw new Error("no link");
    return link;
  }

  /** Ready for bytes of MQTT, or ended. */
  async ready(index = 0): Promise<Link> {
    const link = await this.link(index);
    await eventually(
      () => (link.preparing ?? null) === null || this.#ended.has(link),
      () => "the link is still being prepared",
    );
    return link;
  }

  #add(event: string): void {
    this.log.push(event);
    this.#look();
  }

  #look(): void {
    for (const wait of this.#waiting.filter((one) => one.until())) {
      this.#waiting = this.#waiting.filter((one) => one !== wait);
      wait.resolve();
    }
  }
}

/** Listens on a free port of 127.0.0.1 while `body` runs. */
export async function listening(
  transport: Transport,
  recorder: Recorder,
  body: (port: number, socket: ListeningSocket) => Promise<void>,
): Promise<void> {
  const socket = await transport.listen({
    host: "127.0.0.1",
    port: 0,
    tcp: { keepAliveMs: 60_000, userTimeoutMs: 30_000 },
    events: recorder,
  });
  try {
    await body(socket.port, socket);
  } finally {
    for (const link of recorder.links) link.reset();
    socket.close();
  }
}

interface Received {
  readonly chunks: Uint8Array[];
  onChunk: () => void;
  /** The kernel takes more, or nothing ever again. */
  onDrain: () => void;
}

/** The other side: half-open, so that it chooses when to close. */
export class Peer {
  readonly socket: Bun.Socket<undefined>;
  readonly local: string;
  /** Its received data until the FIN (`eof`) or RST (`reset`). */
  readonly ended: Promise<"eof" | "reset">;
  readonly #got: Received;

  private constructor(
    socket: Bun.Socket<undefined>,
    got: Received,
    ended: Promise<"eof" | "reset">,
  ) {
    this.socket = socket;
    this.local = `${socket.localAddress}:${socket.localPort}`;
    this.#got = got;
    this.ended = ended;
  }

  /** A number is a port of 127.0.0.1. */
  static async dial(at: object | number): Promise<Peer> {
    const got: Received = { chunks: [], onChunk: () => {}, onDrain: () => {} };
    const { promise, resolve } = Promise.withResolvers<"eof" | "reset">();
    const socket = await Bun.connect<undefined>({
      ...((typeof at === "number" ? tcp(at) : at) as { unix: string }),
      allowHalfOpen: true,
      data: undefined,
      socket: {
        data: (_, chunk) => {
          got.chunks.push(chunk);
          got.onChunk();
        },
        drain: () => got.onDrain(),
        end: () => resolve("eof"),
        close: (_, error) => {
          resolve(error === undefined ? "eof" : "reset");
          got.onDrain();
        },
      },
    });
    return new Peer(socket, got, promise);
  }

  get text(): string {
    return Buffer.from(this.bytes).toString("latin1");
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#got.chunks);
  }

  /** Resolves as soon as `condition` holds; checked when something arrives. One caller at a time. */
  async until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#got.onChunk = () => {
      if (condition()) resolve();
    };
    this.#got.onChunk();
    await within(promise, () => `the peer has ${this.bytes.length} bytes`);
  }

  send(text: string | Uint8Array): void {
    const taken = this.socket.write(text);
    if (taken !== text.length) throw new Error(`the kernel took ${taken} of ${text.length}`);
  }

  /** Sends all of it, as the kernel takes it, or until the connection ends. */
  async pour(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const drained = new Promise<void>((resolve) => (this.#got.onDrain = resolve));
      const taken = this.socket.write(bytes, at, bytes.length - at);
      if (taken < 0) return;
      at += taken;
      if (at < bytes.length) await within(drained, () => `${at} of ${bytes.length} bytes are sent`);
    }
  }

  /** Sends FIN; data of the other side stays readable. */
  fin(): void {
    this.socket.shutdown();
  }

  /** Sends RST, and discards unread data. */
  rst(): void {
    this.socket.terminate();
  }
}

/** Connects in plain text, or with TLS, and asks for a WebSocket on it. */
export async function dial(at: object): Promise<Peer | TlsPeer | WebSocketPeer> {
  const {
    port,
    tls: isTls,
    isWebSocket,
  } = at as { port: number; tls?: object; isWebSocket?: true };
  const below =
    isTls === undefined
      ? await Peer.dial(isWebSocket === true ? port : at)
      : await TlsPeer.dial({ hostname: "127.0.0.1", port });
  return isWebSocket === true ? new WebSocketPeer(below) : below;
}

/** What a client sends that was dialled without `dial`, to hand over these bytes. */
export function clientBytes(at: object, bytes: Uint8Array): Uint8Array {
  return "isWebSocket" in at ? beginning(bytes) : bytes;
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Writes as much of `text` as fits; for short texts that is all. */
export function say(link: Link, text: string): number {
  const bytes = bytesOf(text);
  return link.write(bytes, 0, bytes.length);
}
