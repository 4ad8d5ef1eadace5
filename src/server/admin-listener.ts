import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { listenOn } from "../transport/listen-addresses.ts";
import type { ListeningSocket } from "../transport/transport.ts";

export type Fetch = (request: Request) => Response | Promise<Response>;

/** Bytes of headers, and characters of a body, that are read at most. */
const headersMax = 16 * 1024;
const bodyMax = 64 * 1024;

/**
 * Serves a function of requests over HTTP, on both loopback addresses where `host` is null. Throws
 * ListenError. `onFault`: what the function threw is our own fault.
 */
export async function serveHttp(
  host: string | null,
  port: number,
  fetch: Fetch,
  onFault: (fault: unknown) => void,
): Promise<ListeningSocket> {
  return listenOn(host, port, async (address, wanted) => {
    const server = createServer({ maxHeaderSize: headersMax }, (request, response) => {
      answer(request, response, fetch).catch(onFault);
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(wanted, address, resolve);
    });
    const bound = server.address();
    return {
      port: typeof bound === "object" && bound !== null ? bound.port : wanted,
      close: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        await closed;
      },
    };
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  fetch: Fetch,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  // A client that goes away in the middle is no fault.
  response.on("error", () => gone.abort());
  const given = await fetch(await requestOf(request, gone.signal));
  response.writeHead(given.status, Object.fromEntries(given.headers));
  const reader = given.body?.getReader();
  gone.signal.addEventListener("abort", () => void reader?.cancel().catch(() => {}));
  for (;;) {
    const read = await reader?.read();
    if (read === undefined || read.done || gone.signal.aborted) break;
    response.write(read.value);
  }
  response.end();
}

async function requestOf(request: IncomingMessage, signal: AbortSignal): Promise<Request> {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const { method = "GET" } = request;
  const url = `http://localhost${request.url ?? "/"}`;
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers, signal });
  let body = "";
  // What is past the limit is cut off, so that whoever reads it finds no JSON.
  for await (const chunk of request) if (body.length <= bodyMax) body += String(chunk);
  return new Request(url, { method, headers, signal, body });
}
