import { connect, type Socket } from "node:net";
import { Inbox } from "./inbox.ts";

/** One connection to an HTTP server, on which a test sends what no client would send. */
export class HttpSocket implements Disposable {
  readonly #socket: Socket;
  readonly #received = new Inbox<string>();
  #text = "";

  static async connect(port: number): Promise<HttpSocket> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect(port, "127.0.0.1", resolve);
    socket.once("error", reject);
    const made = new HttpSocket(socket);
    await promise;
    socket.off("error", reject);
    return made;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk) => {
      this.#text += chunk.toString("latin1");
      this.#received.add(this.#text);
    });
    socket.on("close", () => this.#received.end("the connection has ended"));
    socket.on("error", () => this.#received.end("the connection was reset"));
  }

  /** A request line and headers, including `Host: localhost` and the empty line. */
  ask(line: string, headers: readonly string[] = []): void {
    this.send([`${line} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n"));
  }

  send(text: string): void {
    this.#socket.write(text, "latin1");
  }

  /** Everything received, once it contains this text. */
  async until(text: string, boundMs?: number): Promise<string> {
    return this.#received.first(JSON.stringify(text), (all) => all.includes(text), boundMs);
  }

  /** Everything received, once the peer has closed. */
  async end(boundMs?: number): Promise<string> {
    const never = (): boolean => false;
    await this.#received.first("the end", never, boundMs).catch((why: unknown) => {
      if (!String(why).includes("the connection")) throw why;
    });
    return this.#text;
  }

  /** Stops reading. */
  stall(): void {
    this.#socket.pause();
  }

  /** Reads the backlog and resumes reading. */
  resume(): void {
    this.#socket.resume();
  }

  /** Closes once everything written has left. */
  close(): void {
    this.#socket.end();
  }

  /** Closes at once, and abandons what is under way. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
