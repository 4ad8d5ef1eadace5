import { expect, test } from "bun:test";
import fc from "fast-check";
import { serveHttp } from "../../../src/server/admin/http.ts";
import { Administered } from "../../support/administered.ts";
import { HttpSocket } from "../../support/http-socket.ts";
import { mortal } from "../../support/mortal.ts";

const methods = ["GET", "HEAD", "PUT", "POST", "DELETE", "TRACE", "CONNECT", "PATCH", "get", "X"];
const paths = [
  ...["/v1/overview", "/v1/clients", "/v1/clients/dev-42", "/v1/clients/dev-42/drop", "/v1/log"],
  ...["/v1/client?id=%FF", "/v1/clients/%zz", "/v1/clients/%C0%80", "/v1/wills?wait=1ms", "/%00"],
  ...["/v1/events", "/metrics", "//x/../y", "*", "http://[::1", "http://a b/", "/?\u00ff\u00fe"],
  ...[
    "/v1/retained?filter=%23/%23",
    "/v1/route?topic=%2B/%23",
    "/v1/acl?topic=%23a&client=%00&user=%2B",
    "/v1/sessions?limit=1e3",
    "/v1/reload",
  ],
];
const headers = [
  ...["Content-Length: 5", "Content-Length: -1", `Content-Length: ${"9".repeat(30)}`, "X: \u00ff"],
  ...["Transfer-Encoding: chunked", "Expect: 100-continue", "Expect: more", "Upgrade: websocket"],
  ...["Connection: Upgrade", "Connection: close", "Host: localhost", "Origin: http://evil.example"],
  ...["Authorization: Bearer \u00e9", "Range: bytes=0-", `Y: ${"y".repeat(5000)}`],
];
const bodies = [
  ...["", "abc", "{}", '{"level":"info"}', '{"how":"silent"}', "null", "[1]", '{"level":{"a":1}}'],
  ...["5\r\nhello\r\n0\r\n\r\n", "ffffffff\r\n", "zz\r\n", '{"__proto__":{"level":"info"}}'],
];

const request = fc
  .record({
    method: fc.constantFrom(...methods),
    path: fc.oneof(fc.constantFrom(...paths), fc.webPath()),
    version: fc.constantFrom("1.1", "1.1", "1.1", "1.0", "2.0"),
    given: fc.subarray(headers, { maxLength: 3 }),
    body: fc.constantFrom(...bodies),
  })
  .map(({ method, path, version, given, body }) =>
    [`${method} ${path} HTTP/${version}`, "Host: localhost", ...given, "", body].join("\r\n"),
  );

/** Requests that have a body to wait for. */
const order = fc
  .record({
    line: fc.constantFrom("PUT /v1/log", "POST /v1/client/drop?id=dev-42"),
    header: fc.constantFrom("Content-Length: 100", "Transfer-Encoding: chunked"),
    body: fc.constantFrom(...bodies),
  })
  .map(({ line, header, body }) =>
    [`${line} HTTP/1.1`, "Host: localhost", header, "", body].join("\r\n"),
  );

const harm = fc.record({
  text: fc.oneof({ weight: 3, arbitrary: request }, { weight: 1, arbitrary: order }),
  wrong: fc.option(
    fc.record({ at: fc.double({ min: 0, max: 0.999, noNaN: true }), byte: fc.nat(255) }),
  ),
  /** The part of it that is sent. */
  part: fc.constantFrom(1, 1, 1, 0.5, 0.95),
  after: fc.constantFrom<("hangUp" | "reset" | "wait")[]>("hangUp", "reset", "wait"),
});

test("no request, however it breaks off, causes a fault", async () => {
  const admin = new Administered();
  const client = mortal(admin.world, { id: "dev-42", keepalive: 10 });
  const faults: unknown[] = [];
  const server = await serveHttp({
    ...{
      host: "127.0.0.1",
      port: 0,
      connections: 1000,
      requestTimeoutMs: 200,
      stallTimeoutMs: 60_000,
    },
    fetch: (asked) => admin.fetch(asked),
    onFault: (fault) => void faults.push(fault),
  });
  await fc.assert(
    fc.asyncProperty(harm, async ({ text, wrong, part, after }) => {
      using asker = await HttpSocket.connect(server.port);
      const units = text.split("");
      if (wrong !== null)
        units[Math.floor(wrong.at * units.length)] = String.fromCharCode(wrong.byte);
      asker.send(units.slice(0, Math.ceil(part * units.length)).join(""));
      if (after === "reset") asker.reset();
      if (after === "hangUp") asker.close();
      if (after === "wait") await asker.until("HTTP/1.1 ", 3000).catch(() => {});
      expect(faults).toEqual([]);
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  );
  using last = await HttpSocket.connect(server.port);
  last.ask("GET /healthz");
  await last.until("ok\n");
  await server.close();
  expect(faults).toEqual([]);
  client.drop();
}, 180_000);
