import type { Certificate } from "./certificates.ts";
import type { Place } from "./relay.ts";

/** Bun's WebSocket server, which sends back all messages, and closes a connection at `bye`. */
export class EchoWebSocket implements AsyncDisposable {
  readonly place: Place;
  readonly #server: Bun.Server<undefined>;

  /** `certificate`: TLS; null: plain. */
  static async start(certificate: Certificate | null): Promise<EchoWebSocket> {
    return new EchoWebSocket(certificate);
  }

  private constructor(certificate: Certificate | null) {
    this.#server = Bun.serve<undefined>({
      hostname: "127.0.0.1",
      port: 0,
      ...(certificate !== null && { tls: { cert: certificate.cert, key: certificate.key } }),
      fetch: (request, server) => {
        const headers = { "Sec-WebSocket-Protocol": "mqtt" };
        const isRight = new URL(request.url).pathname === "/mqtt";
        if (isRight && server.upgrade(request, { data: undefined, headers })) return undefined;
        return new Response("", { status: 404 });
      },
      websocket: {
        message: (socket, message) => {
          const text = message.toString();
          if (text === "bye") socket.close(1001);
          else if (text === "text") socket.send("text");
          else if (text === "ping") socket.ping();
          else socket.send(Buffer.from(message));
        },
        pong: (socket) => void socket.send(Buffer.from("pong")),
        ping: (socket) => void socket.send(Buffer.from("pinged")),
      },
    });
    this.place = { port: this.#server.port ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true);
  }
}
