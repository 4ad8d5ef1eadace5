import { connect, createServer, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream";

/**
 * The port that clients know. It stays while brokers come and go, each on a port of its own: a port
 * that nobody has for a moment, another process of this machine takes.
 */
export class Door implements AsyncDisposable {
  /** Null: whoever comes is turned away. */
  #broker: number | null = null;
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  static async open(): Promise<Door> {
    const door = new Door();
    await new Promise<void>((resolve) => void door.#server.listen(0, "127.0.0.1", resolve));
    return door;
  }

  private constructor() {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) =>
      this.#enter(client),
    );
  }

  get port(): number {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("it is not open");
    return address.port;
  }

  /** The port of the broker that runs; null: none does. */
  leadTo(broker: number | null): void {
    this.#broker = broker;
  }

  /** Ends all connections that are open: those of the clients by RST. */
  cut(): void {
    for (const client of this.#clients) client.resetAndDestroy();
  }

  #enter(client: Socket): void {
    const port = this.#broker;
    if (port === null) return void client.resetAndDestroy();
    this.#clients.add(client);
    const broker = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    // An end of one that is no FIN is the end of the other.
    pipeline(client, broker, client, () => this.#clients.delete(client));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
