import { connect, createServer, type Server, type Socket } from "node:net";
import type { Target } from "../../client/target.ts";
import { clientFrame } from "../../websocket/frames.ts";

/** DISCONNECT, as both versions know it. */
const disconnect = Uint8Array.of(0xe0, 0);
const goodbyes: Readonly<Record<Target["transport"], (() => Uint8Array) | null>> = {
  tcp: () => disconnect,
  unix: () => disconnect,
  ws: () => clientFrame(disconnect),
  tls: null,
  wss: null,
};

/**
 * Lets clients of a namespace reach a broker that listens on loopback only. It forwards bytes, and
 * holds the broker's side open when the client's is lost, as the network would.
 */
export class Forwarder {
  readonly #server: Server;
  readonly #broker: Target;
  readonly #toClients = new Set<Socket>();
  readonly #toBroker = new Set<Socket>();
  #isCut = false;

  constructor(broker: Target) {
    this.#broker = broker;
    this.#server = createServer((client) => this.#accept(client));
  }

  /** Resolves to the port. Rejects with the system's error. */
  async listen(host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, host, () => {
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /** The link is about to be lost: from now on no end of the client's side reaches the broker. */
  cut(): void {
    this.#isCut = true;
  }

  /**
   * Closes both sides. After `cut` it sends the broker a DISCONNECT, which the client can no longer
   * send itself; not over TLS, whose keys only the client has.
   */
  close(): void {
    this.#server.close();
    const goodbye = goodbyes[this.#broker.transport];
    for (const socket of this.#toBroker) {
      if (this.#isCut && goodbye !== null) socket.end(goodbye());
      else socket.destroy();
    }
    for (const socket of this.#toClients) socket.destroy();
  }

  #accept(client: Socket): void {
    const broker = connect({ host: this.#broker.host, port: this.#broker.port, noDelay: true });
    client.setNoDelay(true);
    this.#toClients.add(client);
    this.#toBroker.add(broker);
    forward(client, broker);
    forward(broker, client);
    const clientEnded = (): void => {
      if (!this.#isCut) broker.destroy();
    };
    client.on("error", clientEnded);
    client.on("close", clientEnded);
    broker.on("error", () => client.destroy());
    broker.on("close", () => client.destroy());
  }
}

/** No faster than it is taken: a link that is down takes nothing, whatever is sent to it. */
function forward(from: Socket, to: Socket): void {
  from.on("data", (chunk: Uint8Array) => {
    if (!to.write(chunk)) from.pause();
  });
  to.on("drain", () => from.resume());
}
