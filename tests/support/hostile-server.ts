import { createServer, type Server, type Socket } from "node:net";

/** Writes the server's reply to a connection's first bytes. */
export type Hostility = (socket: Socket, asked: string) => void;

/** A server on loopback that follows no protocol. */
export class HostileServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  static async start(hostility: Hostility): Promise<HostileServer> {
    const server = new HostileServer(hostility);
    await new Promise<void>((resolve) => {
      server.#server.listen(0, "127.0.0.1", resolve);
    });
    const address = server.#server.address();
    server.port = typeof address === "object" && address !== null ? address.port : 0;
    return server;
  }

  private constructor(hostility: Hostility) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      socket.once("data", (bytes) => hostility(socket, bytes.toString("latin1")));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/**
 * Writes the same bytes repeatedly, as fast as the client reads them, until the client has gone.
 */
export function pour(socket: Socket, bytes: Uint8Array): void {
  const more = (): void => {
    // Yields after 16 rounds: other connections get their turn.
    for (let round = 0; round < 16 && !socket.destroyed; round++) {
      if (!socket.write(bytes)) return;
    }
    if (!socket.destroyed) setImmediate(more);
  };
  socket.on("drain", more);
  more();
}

/** Writes one piece per interval until the client has gone: the planted trickle, not a wait. */
export function drip(socket: Socket, text: string, everyMs: number): void {
  const timer = setInterval(() => socket.write(text), everyMs);
  socket.on("close", () => clearInterval(timer));
}
