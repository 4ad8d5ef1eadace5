import { connect, createServer, type ListenOptions, type Socket } from "node:net";

/** Where a relay listens, or leads to. */
export type Place = { readonly port: number } | { readonly path: string };

/** Stands between a client and a server, and tells what the client does at the level of TCP. */
export class Relay implements AsyncDisposable {
  /** What the client has sent so far. */
  bytes = Buffer.alloc(0);
  /** How the client ended its side; null: it has not. */
  end: "FIN" | "RST" | null = null;
  place: Place = { port: 0 };
  readonly #server = createServer({ allowHalfOpen: true, noDelay: true });
  readonly #sockets = new Set<Socket>();
  #client: Socket | null = null;

  /** `at`: a path for a unix socket; absent: a port of 127.0.0.1. */
  static async start(to: Place, at?: string): Promise<Relay> {
    const relay = new Relay(to);
    const where: ListenOptions = at === undefined ? { port: 0, host: "127.0.0.1" } : { path: at };
    await new Promise<void>((resolve) => void relay.#server.listen(where, resolve));
    const address = relay.#server.address();
    relay.place =
      typeof address === "object" && address !== null ? { port: address.port } : { path: at ?? "" };
    return relay;
  }

  private constructor(to: Place) {
    this.#server.on("connection", (client) => {
      const target = "port" in to ? { ...to, host: "127.0.0.1" } : to;
      const server = connect({ ...target, allowHalfOpen: true, noDelay: true });
      this.#client = client;
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => {});
      }
      client.on("data", (chunk: Buffer) => {
        this.bytes = Buffer.concat([this.bytes, chunk]);
        server.write(chunk);
      });
      client.on("end", () => {
        this.end ??= "FIN";
        server.end();
      });
      client.on("error", () => {
        this.end ??= "RST";
        server.destroy();
      });
      server.on("data", (chunk: Buffer) => void client.write(chunk));
      server.on("end", () => client.end());
    });
  }

  /** Ends the client's connection by a FIN that the server knows nothing of. */
  fin(): void {
    this.#client?.end();
  }

  reset(): void {
    this.#client?.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
