import { expect, test } from "bun:test";
import { type HttpSettings, serveHttp } from "../../../src/server/admin/http.ts";
import { HttpSocket } from "../../support/http-socket.ts";
import { eventually } from "../../support/inbox.ts";

const ok = (): Response => new Response("ok");

/** A server of one function, and our own faults in it. */
async function served(given: Partial<HttpSettings> = {}) {
  const faults: unknown[] = [];
  const socket = await serveHttp({
    ...{
      host: "127.0.0.1",
      port: 0,
      connections: 10,
      requestTimeoutMs: 5000,
      stallTimeoutMs: 5000,
      fetch: ok,
    },
    onFault: (fault) => void faults.push(fault),
    ...given,
  });
  return {
    port: socket.port,
    faults,
    async [Symbol.asyncDispose]() {
      await socket.close();
      expect(faults).toEqual([]);
    },
  };
}

test("a body that breaks off is reported to its reader, and is no fault", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  await using server = await served({
    fetch: async (request) => {
      await request.text().catch(resolve);
      return ok();
    },
  });
  using asker = await HttpSocket.connect(server.port);
  asker.ask("PUT /", ["Content-Length: 100"]);
  asker.send("abc");
  asker.close();
  expect(String(await promise)).toContain("aborted");
});

test("an answer does not wait for an unread body", async () => {
  await using server = await served({ fetch: () => new Response("no", { status: 403 }) });
  using asker = await HttpSocket.connect(server.port);
  asker.ask("PUT /", [`Content-Length: ${2 ** 40}`]);
  const answer = await asker.end();
  expect(answer).toStartWith("HTTP/1.1 403 ");
  expect(answer.toLowerCase()).toContain("connection: close");
});

test("a body is not read before it is requested", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using server = await served({
    fetch: async (request) => {
      await promise;
      return new Response(await request.text());
    },
  });
  using asker = await HttpSocket.connect(server.port);
  asker.ask("PUT /", ["Content-Length: 5"]);
  asker.send("wh");
  resolve();
  asker.send("ole");
  expect(await asker.until("whole")).toStartWith("HTTP/1.1 200 ");
});

test("a connection serves consecutive requests", async () => {
  await using server = await served({
    fetch: (request) => new Response(new URL(request.url).pathname),
  });
  using asker = await HttpSocket.connect(server.port);
  for (const path of ["/first", "/second"]) {
    asker.ask(`GET ${path}`);
    await asker.until(path);
  }
});

test.each([
  ["headers", "GET / HT"],
  ["a body", "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc"],
])("who is slow with %s is sent away", async (_, text) => {
  await using server = await served({
    requestTimeoutMs: 200,
    fetch: async (request) => new Response(await request.text().catch(() => "not whole")),
  });
  using asker = await HttpSocket.connect(server.port);
  asker.send(text);
  expect(await asker.end()).toStartWith("HTTP/1.1 408 ");
});

test.each([
  ["CONNECT", "CONNECT there:1"],
  ["TRACE", "TRACE /"],
])("%s is refused with what is allowed", async (_, line) => {
  await using server = await served();
  using asker = await HttpSocket.connect(server.port);
  asker.ask(line);
  const answer = await asker.until("\r\n\r\n");
  expect(answer).toStartWith("HTTP/1.1 405 ");
  expect(answer.toLowerCase()).toContain("\r\nallow: get, head, post, put, delete\r\n");
});

test("an upgrade is not offered: the answer is an ordinary one", async () => {
  await using server = await served();
  using asker = await HttpSocket.connect(server.port);
  asker.ask("GET /", ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]);
  expect(await asker.until("ok")).toStartWith("HTTP/1.1 200 ");
});

test.each([
  ["no HTTP", "\u0000\u0001\r\n\r\n", 400],
  ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400],
  ["no path", "GET nonsense HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
  ["headers that are too long", `GET /${"a".repeat(300_000)} HTTP/1.1\r\n\r\n`, 431],
])("%s: %#", async (_, text, status) => {
  await using server = await served();
  using asker = await HttpSocket.connect(server.port);
  asker.send(text);
  expect(await asker.until("\r\n\r\n")).toStartWith(`HTTP/1.1 ${status} `);
});

test("the host of an absolute URL counts, not the header beside it", async () => {
  await using server = await served({ fetch: ({ headers }) => new Response(headers.get("host")) });
  using asker = await HttpSocket.connect(server.port);
  asker.ask("GET http://evil.example/");
  await asker.until("evil.example");
});

test("one connection above the limit is closed at once if all others wait for the server, and they stay open", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const fetch = async ({ url }: Request): Promise<Response> => {
    asked += 1;
    await promise;
    return new Response(`ok ${url}`);
  };
  await using server = await served({ connections: 2, fetch });
  using first = await HttpSocket.connect(server.port);
  using second = await HttpSocket.connect(server.port);
  for (const asker of [first, second]) asker.ask("GET /");
  await eventually(
    () => asked === 2,
    () => `${asked} requests came`,
  );
  // With deferred accepting, a connection counts from its first byte.
  using third = await HttpSocket.connect(server.port);
  third.ask("GET /");
  expect(await third.end()).toBe("");
  resolve();
  for (const asker of [first, second]) await asker.until("ok");
  second.ask("GET /again");
  await second.until("/again");
});

/** An endless answer, and the amount of it that was produced. */
function endless(): { fetch: () => Response; readonly made: number; readonly cancelled: number } {
  const counts = { made: 0, cancelled: 0 };
  const chunk = new Uint8Array(64 * 1024).fill(97);
  const pull = (controller: ReadableStreamDefaultController): void => {
    counts.made += 1;
    controller.enqueue(chunk);
  };
  const cancel = (): void => void (counts.cancelled += 1);
  return {
    fetch: () => new Response(new ReadableStream({ pull, cancel }, { highWaterMark: 0 })),
    get made() {
      return counts.made;
    },
    get cancelled() {
      return counts.cancelled;
    },
  };
}

test("a client that reads nothing of an answer for too long is cut off", async () => {
  const answer = endless();
  await using server = await served({ stallTimeoutMs: 300, fetch: answer.fetch });
  using asker = await HttpSocket.connect(server.port);
  asker.stall();
  asker.ask("GET /");
  await eventually(
    () => answer.cancelled === 1,
    () => `it still waits, after ${answer.made} chunks`,
  );
  expect(answer.made).toBeGreaterThan(0);
});

test("clients that never read their answers do not shut out later ones", async () => {
  const answer = endless();
  const fetch = (request: Request): Response =>
    request.url.endsWith("/long") ? answer.fetch() : ok();
  await using server = await served({ connections: 4, stallTimeoutMs: 60_000, fetch });
  const stalled: HttpSocket[] = [];
  for (let count = 0; count < 4; count++) {
    const asker = await HttpSocket.connect(server.port);
    stalled.push(asker);
    if (count === 3) break;
    asker.stall();
    asker.ask("GET /long");
  }
  // The last one reads, and requests nothing more.
  stalled[3]?.ask("GET /");
  await stalled[3]?.until("ok");
  await eventually(
    async () => {
      using honest = await HttpSocket.connect(server.port);
      honest.ask("GET /");
      return (await honest.end(500).catch(() => "")) !== "" || answer.cancelled > 0;
    },
    () => "nobody makes room",
  );
  for (const one of stalled) one.reset();
});

test("a client that reads nothing gets nothing more, until it reads again", async () => {
  const chunk = new Uint8Array(64 * 1024).fill(97);
  let made = 0;
  await using server = await served({
    fetch: (request) => {
      if (request.url.endsWith("/other")) return ok();
      return new Response(
        new ReadableStream({
          pull(controller) {
            made += 1;
            controller.enqueue(chunk);
          },
        }),
      );
    },
  });
  using asker = await HttpSocket.connect(server.port);
  asker.stall();
  asker.ask("GET /");
  // The kernel accepts some MiB; production must stop long before this.
  const limit = 32 * 2 ** 20;
  // It rests if nothing was made while the same loop answered another client.
  const rests = async (): Promise<boolean> => {
    const before = made;
    using other = await HttpSocket.connect(server.port);
    other.ask("GET /other");
    await other.until("HTTP/1.1 200 ");
    return made > 0 && (made === before || made * chunk.length >= limit);
  };
  await eventually(rests, () => `${made} chunks so far`);
  expect(made * chunk.length).toBeLessThan(limit);
  const rested = made;
  asker.resume();
  await asker.until("a".repeat(1024));
  await eventually(
    () => made > rested,
    () => `still ${made} chunks`,
  );
});

test("an error of the function is a fault; a closed client is not", async () => {
  const thrown = new Error("planted");
  const server = await served({
    fetch: () => {
      throw thrown;
    },
  });
  using asker = await HttpSocket.connect(server.port);
  asker.ask("GET /");
  await eventually(
    () => server.faults.length > 0,
    () => "no fault was told",
  );
  expect(server.faults.splice(0)).toEqual([thrown]);
  await server[Symbol.asyncDispose]();
});

test("requests under way at the close are finished, or cut off at the timeout", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = 0;
  const server = await served({
    fetch: async ({ url }) => {
      asked += 1;
      if (url.endsWith("/never")) await new Promise(() => {});
      await promise;
      return ok();
    },
  });
  using asker = await HttpSocket.connect(server.port);
  using never = await HttpSocket.connect(server.port);
  asker.ask("GET /", ["Connection: close"]);
  never.ask("GET /never");
  await eventually(
    () => asked === 2,
    () => `${asked} requests came`,
  );
  const closed = server[Symbol.asyncDispose]();
  resolve();
  expect(await asker.end()).toEndWith("\r\nok\r\n0\r\n\r\n");
  expect(await never.end()).toBe("");
  await closed;
});
