import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type BoundAddress, listenOn } from "../../transport/listen-addresses.ts";
import type { ListeningSocket } from "../../transport/transport.ts";
import { serverOptions, type TlsMaterial } from "../../transport/tls-contexts.ts";
import { ConnectionSlots } from "./connection-slots.ts";
import { StreamEvicted } from "./event-stream.ts";

export type Fetch = (request: Request) => Response | Promise<Response>;

export interface HttpSettings {
  /** Null: both loopback addresses. */
  readonly host: string | null;
  /** 0: a free port. */
  readonly port: number;
  /** Maximum open connections of one address; ConnectionSlots decides beyond it. */
  readonly connections: number;
  /** Milliseconds that a request may take to arrive, body included. */
  readonly requestTimeoutMs: number;
  /** Milliseconds for which a client may take no bytes of an answer. */
  readonly stallTimeoutMs: number;
  /** Null or absent: HTTP. */
  readonly tls?: TlsMaterial | null;
  readonly fetch: Fetch;
  /** Called with errors of `fetch` or of its answer's body: faults of our own. */
  readonly onFault: (fault: unknown) => void;
}

/** Maximum bytes before the body. A client id of 65,535 bytes is three times as long in a URL. */
const headersMax = 256 * 1024;
/** Checks in one timeout: a slow request outlives its timeout by at most one interval. */
const checksPerTimeout = 4;
const checkMaxMs = 1000;

/** Methods that some path accepts. */
const methods = ["GET", "HEAD", "POST", "PUT", "DELETE"];

/** How long answers in progress may take after `close`. */
const closeMs = 500;

export interface HttpSocket extends Pick<ListeningSocket, "addresses" | "port"> {
  /** Stops serving. Resolves when answers in progress are done or have timed out. */
  close(): Promise<void>;
}

/** Serves `fetch` over HTTP. Throws ListenError. */
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
  const rules = {
    maxHeaderSize: headersMax,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(checkMaxMs, requestTimeoutMs / checksPerTimeout),
  };
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    respond(request, response, settings, slots).catch(onFault);
  };
  const { tls = null } = settings;
  const server =
    tls === null
      ? createServer(rules, handle)
      : createTlsServer({ ...rules, ...serverOptions(tls) }, handle);
  server.on("connection", (socket) => {
    if (!slots.accept(socket)) socket.destroy();
  });
  server.on("connect", (_, socket) => {
    // node has detached the socket; its errors are no fault.
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
  // A client that closes midway is no fault; the signal stops the answer's body.
  response.on("error", () => closed.abort());
  request.on("error", () => closed.abort());
  const writer = new ResponseWriter(response, closed.signal, stallTimeoutMs, slots);
  try {
    const read = requestOf(request, closed.signal);
    const answer = read instanceof Response ? read : await fetch(read);
    const headers = Object.fromEntries(answer.headers);
    // Close rather than wait for the unread rest of a body.
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

/** Writes a body as fast as the client takes it; the rest stays with its producer. */
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

/** Bytes in one write: small enough that a slow client does not count as stalled. */
const sliceBytes = 64 * 1024;

/** Writes an answer to the client; cuts off a client that takes nothing for too long. */
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

  /** Resolves when the socket has room for more, or has closed. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#response.write(bytes)) await this.#waitFor("drain");
  }

  /** Resolves when all bytes are written, or the socket has closed. */
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

/** The request, or the Response to one that can't be converted. */
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

/** Null: neither a path nor a URL. The host does not matter. */
function urlOf(target: string): URL | null {
  return URL.parse(target.startsWith("/") ? `http://localhost${target}` : target);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Reads the body only on demand, so that the guard runs first. */
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
