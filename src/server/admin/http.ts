import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type BoundAddress, listenOn } from "../../transport/listen-addresses.ts";
import type { ListeningSocket } from "../../transport/transport.ts";
import { ConnectionSlots } from "./connection-slots.ts";
import { StreamEvicted } from "./event-stream.ts";

export type Fetch = (request: Request) => Response | Promise<Response>;

export interface HttpSettings {
  /** Null: both loopback addresses. */
  readonly host: string | null;
  /** 0: a free one. */
  readonly port: number;
  /** Open connections of one address; where all are taken, one that waits for its client has to go. */
  readonly connections: number;
  /** Milliseconds that a request may take to arrive, its body included. */
  readonly requestTimeoutMs: number;
  /** Milliseconds for which nothing of an answer may be taken. */
  readonly stallTimeoutMs: number;
  readonly fetch: Fetch;
  /** What `fetch`, or the body of its answer, threw: a fault of our own. */
  readonly onFault: (fault: unknown) => void;
}

/** Bytes of a request before its body. A client id of 65,535 bytes is three times as long in a URL. */
const headersMax = 256 * 1024;
/** Part of the timeout by which a slow request may outlive it. */
const checksPerTimeout = 4;
const checkMaxMs = 1000;

/** The methods that anything here answers to. */
const methods = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/** How long answers under way may take once nothing more is served. */
const closeMs = 500;

export interface HttpSocket extends Pick<ListeningSocket, "addresses" | "port"> {
  /** Serves nothing more. Resolves when what was being answered has been, or has taken too long. */
  close(): Promise<void>;
}

/** Serves a function of requests over HTTP. Throws ListenError. */
export async function serveHttp(settings: HttpSettings): Promise<HttpSocket> {
  const closing: Promise<void>[] = [];
  const bound = await listenOn(settings.host, settings.port, bind);
  return {
    addresses: bound.addresses,
    port: bound.port,
    close: async () => {
      bound.close();
      await Promise.all(closing);
    },
  };

  async function bind(address: string, port: number): Promise<BoundAddress> {
    const server = serverOf(settings);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, address, () => {
        server.off("error", reject);
        resolve();
      });
    });
    const bound = server.address();
    return {
      port: typeof bound === "object" && bound !== null ? bound.port : port,
      descriptor: null,
      close: async () => {
        const ended = new Promise<void>((resolve) => server.close(() => resolve()));
        closing.push(ended);
        server.closeIdleConnections();
        const timeout = setTimeout(() => server.closeAllConnections(), closeMs);
        await ended;
        clearTimeout(timeout);
      },
    };
  }
}

function serverOf(settings: HttpSettings): Server {
  const { requestTimeoutMs, onFault } = settings;
  const slots = new ConnectionSlots(settings.connections);
  const server = createServer(
    {
      maxHeaderSize: headersMax,
      headersTimeout: requestTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: Math.min(checkMaxMs, requestTimeoutMs / checksPerTimeout),
    },
    (request, response) => {
      respond(request, response, settings, slots).catch(onFault);
    },
  );
  server.on("connection", (socket) => {
    if (!slots.accept(socket)) socket.destroy();
  });
  server.on("connect", (_, socket) => {
    // From here on it is nobody else's; that it goes away is no fault.
    socket.on("error", () => {});
    socket.end(`HTTP/1.1 405 Method Not Allowed\r\nAllow: ${allow}\r\nConnection: close\r\n\r\n`);
  });
  return server;
}

const allow = methods.join(", ");

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  { fetch, stallTimeoutMs }: HttpSettings,
  slots: ConnectionSlots,
): Promise<void> {
  const { socket } = request;
  slots.requestBegan(socket);
  const closed = new AbortController();
  response.on("close", () => closed.abort());
  // A client that goes away in the middle is no fault. Whoever reads the body is told by it.
  response.on("error", () => closed.abort());
  request.on("error", () => closed.abort());
  const writer = new ResponseWriter(response, closed.signal, stallTimeoutMs, slots);
  try {
    const read = requestOf(request, closed.signal);
    const answer = read instanceof Response ? read : await fetch(read);
    const headers = Object.fromEntries(answer.headers);
    // What was not read of a body is not waited for.
    if (hasBody(request) && !request.complete) headers["connection"] = "close";
    response.writeHead(answer.status, headers);
    if (answer.body !== null) await write(writer, answer.body, closed.signal);
    await writer.end();
  } catch (error) {
    if (!(error instanceof StreamEvicted)) throw error;
    socket.destroy();
  } finally {
    slots.requestEnded(socket);
  }
}

/** No faster than it is taken: what waits stays with whoever makes it. */
async function write(
  writer: ResponseWriter,
  body: ReadableStream<Uint8Array>,
  closed: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const cancel = (): void => void reader.cancel();
  if (closed.aborted) return cancel();
  closed.addEventListener("abort", cancel);
  for (;;) {
    const { done, value } = await reader.read();
    if (done || closed.aborted) return;
    for (let at = 0; at < value.length && !closed.aborted; at += sliceBytes) {
      await writer.write(value.subarray(at, at + sliceBytes));
    }
  }
}

/** Bytes of which something has to be taken each time: whoever is slow is not taken for one that stalls. */
const sliceBytes = 64 * 1024;

/** The client's end of an answer. Whoever takes nothing for too long is cut off. */
class ResponseWriter {
  readonly #response: ServerResponse;
  readonly #closed: AbortSignal;
  readonly #stallTimeoutMs: number;
  readonly #slots: ConnectionSlots;

  constructor(
    response: ServerResponse,
    closed: AbortSignal,
    stallTimeoutMs: number,
    slots: ConnectionSlots,
  ) {
    this.#response = response;
    this.#closed = closed;
    this.#stallTimeoutMs = stallTimeoutMs;
    this.#slots = slots;
  }

  /** Resolves when there is room for more, or the connection is closed. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#response.write(bytes)) await this.#waitFor("drain");
  }

  /** Resolves when all has left, or the connection is closed. */
  async end(): Promise<void> {
    this.#response.end();
    if (!this.#response.writableFinished) await this.#waitFor("finish");
  }

  async #waitFor(event: "drain" | "finish"): Promise<void> {
    if (this.#closed.aborted) return;
    const { socket } = this.#response.req;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = (): void => resolve();
    const stall = setTimeout(() => socket.destroy(), this.#stallTimeoutMs);
    this.#response.once(event, done);
    this.#closed.addEventListener("abort", done);
    this.#slots.blocked(socket);
    await promise;
    this.#slots.drained(socket);
    clearTimeout(stall);
    this.#response.off(event, done);
    this.#closed.removeEventListener("abort", done);
  }
}

/** A Response: what to answer to a request that can't be had as one. */
function requestOf(request: IncomingMessage, signal: AbortSignal): Request | Response {
  const { method = "GET" } = request;
  if (!methods.includes(method) && method !== "OPTIONS" && method !== "PATCH") {
    return new Response(null, { status: 405, headers: { allow } });
  }
  const url = urlOf(request.url ?? "");
  const hosts = request.rawHeaders.filter((text, at) => at % 2 === 0 && /^host$/i.test(text));
  if (url === null || hosts.length > 1) return new Response(null, { status: 400 });
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  if (!(request.url ?? "").startsWith("/")) headers.set("host", url.host);
  if (method === "GET" || method === "HEAD")
    return new Request(url.href, { method, headers, signal });
  const body = hasBody(request) ? bodyOf(request) : null;
  return new Request(url.href, { method, headers, signal, body, duplex: "half" });
}

/** Null: it is no path and no URL. The host does not matter to who answers. */
function urlOf(target: string): URL | null {
  return URL.parse(target.startsWith("/") ? `http://localhost${target}` : target);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Nothing is read of it before somebody asks, so that a guard comes first. */
function bodyOf(request: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = request[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}
