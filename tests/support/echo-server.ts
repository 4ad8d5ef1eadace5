import { createServer, type Server } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Duplex } from "node:stream";
import type { Certificate } from "./certificates.ts";
import type { Place } from "./relay.ts";

/** Sends back all bytes, and ends a connection in the transport's own way at `bye`. */
export class EchoServer implements AsyncDisposable {
  readonly place: Place;
  readonly #server: Server;
  readonly #streams: Set<Duplex>;

  /** `certificate`: TLS; else plain. `at`: a path for a unix socket; absent: a port of 127.0.0.1. */
  static async start(certificate: Certificate | null, at?: string): Promise<EchoServer> {
    const streams = new Set<Duplex>();
    const serve = (stream: Duplex): void => {
      streams.add(stream);
      stream.on("error", () => {});
      stream.on("data", (chunk: Buffer) => {
        if (chunk.toString() === "bye") stream.end();
        else stream.write(chunk);
      });
    };
    const server =
      certificate === null ? createServer(serve) : createTlsServer({ ...certificate }, serve);
    server.on("connection", (socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => {
      server.listen(at === undefined ? { port: 0, host: "127.0.0.1" } : { path: at }, resolve);
    });
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return new EchoServer(server, streams, at === undefined ? { port } : { path: at });
  }

  private constructor(server: Server, streams: Set<Duplex>, place: Place) {
    this.#server = server;
    this.#streams = streams;
    this.place = place;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
