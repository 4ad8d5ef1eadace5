import { now } from "./inbox.ts";

/** One end of a forwarded connection: the socket at the other end, and when it last forwarded. */
interface Way {
  other: Bun.Socket<Way> | null;
  waiting: Uint8Array[];
  readonly connection: number;
}

/**
 * Stands between clients and a broker, like a proxy or a bad network. Once silent, it forwards
 * nothing more and keeps every socket open.
 */
export class Forwarder implements Disposable {
  /** When the forwarder last sent to the broker, and to a client: milliseconds of `now()`. */
  toBrokerAt = 0;
  toClientAt = 0;
  /** Called with each chunk before forwarding. `connection` counts from 0. */
  onChunk: (connection: number, from: "client" | "broker", chunk: Uint8Array) => void = () => {};
  /** Resolves when the broker has closed a connection. */
  readonly brokerClosed: Promise<void>;
  #silent = false;
  #connections = 0;
  readonly #listener: Bun.TCPSocketListener<Way>;
  readonly #sockets: Bun.Socket<Way>[] = [];

  constructor(brokerPort: number) {
    const closed = Promise.withResolvers<void>();
    this.brokerClosed = closed.promise;
    this.#listener = Bun.listen<Way>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => void this.#accept(client, brokerPort, closed.resolve),
        data: ({ data: way }, chunk) => {
          if (this.#silent) return;
          this.toBrokerAt = now();
          this.onChunk(way.connection, "client", chunk);
          if (way.other === null) way.waiting.push(chunk);
          else way.other.write(chunk);
        },
      },
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  fallSilent(): void {
    this.#silent = true;
  }

  [Symbol.dispose](): void {
    this.#listener.stop(true);
    for (const socket of this.#sockets) socket.terminate();
  }

  async #accept(client: Bun.Socket<Way>, port: number, closed: () => void): Promise<void> {
    const connection = this.#connections++;
    const way: Way = { other: null, waiting: [], connection };
    client.data = way;
    const broker = await Bun.connect<Way>({
      hostname: "127.0.0.1",
      port,
      data: { other: client, waiting: [], connection },
      socket: {
        data: (_, chunk) => {
          if (this.#silent) return;
          this.toClientAt = now();
          this.onChunk(connection, "broker", chunk);
          client.write(chunk);
        },
        close: closed,
      },
    });
    this.#sockets.push(client, broker);
    way.other = broker;
    for (const chunk of way.waiting) broker.write(chunk);
  }
}
