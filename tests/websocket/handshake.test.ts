import { describe, expect, test } from "bun:test";
import {
  answerUpgrade,
  type UpgradePolicy,
  upgradeRequest,
} from "../../src/websocket/handshake.ts";
import { parseHead } from "../../src/websocket/http-head.ts";
import { isOriginAllowed } from "../../src/websocket/origins.ts";

const anyone: UpgradePolicy = { path: null, origins: null };
/** The key of RFC 6455, 1.3, and the answer that it expects. */
const [key, accept] = ["dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];

/** A sound request with some lines replaced; null leaves one out. */
function ask(
  changes: Readonly<Record<string, string | null>> = {},
  policy = anyone,
  start = "GET /mqtt HTTP/1.1",
) {
  const fields: Record<string, string | null> = {
    Host: "127.0.0.1:9001",
    Upgrade: "websocket",
    Connection: "keep-alive, Upgrade",
    "Sec-WebSocket-Key": key,
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Protocol": "mqtt",
    ...changes,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`],
  );
  const { answer, refusal } = answerUpgrade(parseHead([start, ...lines].join("\r\n")), policy);
  return { status: /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1], answer, refusal };
}

test("a sound upgrade", () => {
  expect(ask()).toEqual({
    status: "101",
    refusal: null,
    answer:
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`,
  });
});

test.each([
  ["mqtt", "mqtt"],
  ["mqttv3.1", "mqttv3.1"],
  ["mqttv3.1, mqtt", "mqtt"],
  ["mqtt, mqttv3.1", "mqtt"],
  ["chat , mqtt", "mqtt"],
])("of the subprotocols %p it selects %p", (offered, chosen) => {
  const { answer } = ask({ "Sec-WebSocket-Protocol": offered });
  expect(answer).toContain(`\r\nSec-WebSocket-Protocol: ${chosen}\r\n`);
});

test("no extension is ever agreed on", () => {
  expect(ask({ "Sec-WebSocket-Extensions": "permessage-deflate" }).answer).not.toContain(
    "Extensions",
  );
});

const bad: [name: string, Parameters<typeof ask>, status: string, refusal: string][] = [
  ["another method", [{}, anyone, "POST /mqtt HTTP/1.1"], "405", "an HTTP request POST"],
  ["no request", [{}, anyone, "GET /a b HTTP/1.1"], "400", "a malformed HTTP request"],
  ["HTTP/2", [{}, anyone, "GET / HTTP/2.0"], "400", "a malformed HTTP request"],
  ["HTTP/1.0", [{}, anyone, "GET / HTTP/1.0"], "400", "an upgrade by HTTP/1.0"],
  ["a plain GET", [{ Upgrade: null }], "426", "a plain HTTP request"],
  ["another upgrade", [{ Upgrade: "h2c" }], "426", "a plain HTTP request"],
  ["no Connection", [{ Connection: "close" }], "400", "an upgrade without Connection: Upgrade"],
  ["no Host", [{ Host: null }], "400", "an upgrade without Host"],
  ["two Hosts", [{ Host: "a\r\nHost: b" }], "400", "an upgrade with more than one Host"],
  [
    "no key",
    [{ "Sec-WebSocket-Key": null }],
    "400",
    "an upgrade without a valid Sec-WebSocket-Key",
  ],
  [
    "a short key",
    [{ "Sec-WebSocket-Key": "c2hvcnQ=" }],
    "400",
    "an upgrade without a valid Sec-WebSocket-Key",
  ],
  ["a body", [{ "Content-Length": "5" }], "400", "an upgrade with a body"],
  ["a chunked body", [{ "Transfer-Encoding": "chunked" }], "400", "an upgrade with a body"],
  [
    "version 8",
    [{ "Sec-WebSocket-Version": "8" }],
    "426",
    "an upgrade to another version of WebSocket",
  ],
  [
    "no subprotocol",
    [{ "Sec-WebSocket-Protocol": null }],
    "400",
    "an upgrade without a subprotocol; clients of MQTT offer mqtt",
  ],
  [
    "another subprotocol",
    [{ "Sec-WebSocket-Protocol": "chat, MQTT" }],
    "400",
    "an upgrade without the subprotocol mqtt, with chat, MQTT",
  ],
  [
    "another path",
    [{}, { ...anyone, path: "/broker" }],
    "404",
    "an upgrade on the path /mqtt, another than /broker",
  ],
  [
    "a long path, without its query",
    [{}, { ...anyone, path: "/broker" }, `GET /${"a".repeat(200)}?token=secret HTTP/1.1`],
    "404",
    `an upgrade on the path /${"a".repeat(99)}..., another than /broker`,
  ],
  [
    "a page of the web",
    [{ Origin: "https://evil.example" }],
    "403",
    "a page of https://evil.example, which listeners[].origins does not allow",
  ],
];

describe.each(bad)("%s", (_, args, status, refusal) => {
  test(`gets ${status}`, () => {
    const found = ask(...args);
    expect(found).toMatchObject({ status, refusal });
    expect(found.answer).toContain("This is an MQTT WebSocket listener.");
    const [head = "", body = ""] = found.answer.split("\r\n\r\n");
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`);
    expect(head).toContain("Connection: close");
  });
});

test("a listener with a path takes it with any query", () => {
  const policy = { ...anyone, path: "/broker" };
  expect(ask({}, policy, "GET /broker?a=/mqtt HTTP/1.1").status).toBe("101");
  expect(ask({}, policy, "GET /broker/ HTTP/1.1").status).toBe("404");
});

test.each([
  [null, "here.example", null, true],
  ["http://localhost:5173", "127.0.0.1:9001", null, true],
  ["http://127.0.0.1", "127.0.0.1:9001", null, true],
  ["https://[::1]:8443", "[::1]:9001", null, true],
  ["http://192.168.1.5", "192.168.1.5:9001", null, true],
  ["http://192.168.1.6", "192.168.1.5:9001", null, false],
  ["https://evil.example", "127.0.0.1:9001", null, false],
  // A name that its owner lets resolve to 127.0.0.1 (DNS rebinding).
  ["http://evil.example:9001", "evil.example:9001", null, false],
  ["http://localhost.evil.example", "127.0.0.1:9001", null, false],
  ["http://127.0.0.1.evil.example", "127.0.0.1:9001", null, false],
  ["http://127.evil.example", "127.0.0.1:9001", null, false],
  // A file, and a frame of any page that is sandboxed.
  ["null", "127.0.0.1:9001", null, false],
  ["", "127.0.0.1:9001", null, false],
  ["null", "127.0.0.1:9001", ["null"], true],
  ["https://app.example", "x", ["https://app.example"], true],
  ["https://APP.example", "x", ["https://app.example"], true],
  ["https://app.example:444", "x", ["https://app.example"], false],
  ["http://localhost", "x", ["https://app.example"], false],
  ["http://localhost", "x", [], false],
  [null, "x", [], true],
  ["https://evil.example", "x", ["*"], true],
] as const)("a page of %p that connects to %p, with %p: %p", (origin, host, allowed, expected) => {
  expect(isOriginAllowed(origin, host, allowed)).toBe(expected);
});

describe("a client's side", () => {
  const heads = (changed: (text: string) => string = (text) => text): string | null => {
    const request = upgradeRequest("127.0.0.1:9001", "/mqtt?a=b", "mqtt");
    const { answer } = answerUpgrade(parseHead(request.head.slice(0, -4)), anyone);
    return request.refused(parseHead(changed(answer).split("\r\n\r\n")[0] ?? ""));
  };

  test("is answered by the server's", () => {
    expect(heads()).toBe(null);
  });

  test.each([
    [/101 \w+/, "403 Forbidden", "it answered HTTP status 403"],
    [/^HTTP\/1.1/, "SSH-2.0", "its answer is no HTTP/1.1"],
    [/Accept: .*/, "Accept: x", "its Sec-WebSocket-Accept is wrong"],
    [/Protocol: mqtt/, "Protocol: chat", "it did not take the subprotocol mqtt"],
    [/Sec-WebSocket-Protocol.*/, "X: y", "it did not take the subprotocol mqtt"],
    [/Upgrade: websocket/, "Upgrade: h2c", "its answer does not change to WebSocket"],
    [
      /\r\n\r\n/,
      "\r\nSec-WebSocket-Extensions: x\r\n\r\n",
      "it uses an extension that nobody offered",
    ],
  ])("refuses %p as %p", (part, by, why) => {
    expect(heads((text) => text.replace(part, by))).toBe(why);
  });
});
