import { createServer, type Server, type Socket } from "node:net";
import { generate, parser, type IConnackPacket, type Packet } from "mqtt-packet";
import { localTarget } from "../support/embedded.ts";
import { Inbox } from "../support/inbox.ts";
import type { Target } from "../../src/client/target.ts";

/** One packet of a client, with the number of its connection, from 1. */
export interface Heard {
  readonly connection: number;
  readonly packet: Packet;
}

/** One connection of a client to a scripted broker. */
export class Peer {
  readonly number: number;
  readonly #socket: Socket;

  constructor(number: number, socket: Socket) {
    this.number = number;
    this.#socket = socket;
  }

  send(packet: Packet): void {
    this.#socket.write(generate(packet, { protocolVersion: 5 }));
  }

  accept(connack: Partial<IConnackPacket> = {}): void {
    this.send({ cmd: "connack", reasonCode: 0, sessionPresent: false, ...connack });
  }

  close(): void {
    this.#socket.end();
  }
}

/** A broker that does what a test says, and nothing else; MQTT 5. */
export class ScriptedBroker implements AsyncDisposable {
  readonly heard = new Inbox<Heard>();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  target: Target = localTarget(0);

  static async start(script: (peer: Peer, packet: Packet) => void): Promise<ScriptedBroker> {
    const broker = new ScriptedBroker(script);
    await new Promise<void>((resolve) => {
      broker.#server.listen(0, "127.0.0.1", resolve);
    });
    const address = broker.#server.address();
    broker.target = localTarget(typeof address === "object" && address !== null ? address.port : 0);
    return broker;
  }

  private constructor(script: (peer: Peer, packet: Packet) => void) {
    let connections = 0;
    this.#server = createServer((socket) => {
      const peer = new Peer(++connections, socket);
      const parse = parser({ protocolVersion: 5 });
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.#sockets.delete(socket));
      parse.on("packet", (packet) => {
        this.heard.add({ connection: peer.number, packet });
        script(peer, packet);
      });
      socket.on("data", (chunk) => parse.parse(Buffer.from(chunk)));
    });
  }

  /** Words for the packets of a client, such as `1 publish 2 dup`. */
  words(): string[] {
    return this.heard.items.map(({ connection, packet }) =>
      [
        ...[connection, packet.cmd, packet.messageId || null],
        packet.cmd === "publish" && packet.dup ? "dup" : null,
      ]
        .filter((word) => word !== null)
        .join(" "),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
