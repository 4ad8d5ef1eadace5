import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { dial } from "../../src/client/dial.ts";
import { DialError } from "../../src/client/dial-error.ts";
import type { Target } from "../../src/client/target.ts";
import type { Wire } from "../../src/client/wire.ts";
import { EchoWebSocket } from "../support/echo-websocket.ts";
import { type Hostility, HostileServer } from "../support/hostile-server.ts";
import { eventually, patienceMs } from "../support/inbox.ts";
import { Relay } from "../support/relay.ts";

/** What only a WebSocket has: its handshake, its control frames, and what a broker may not send. */

function targetAt(port: number, path = "/mqtt"): Target {
  const none = { username: null, password: null, tls: null };
  return { transport: "ws", host: "127.0.0.1", port, path, ...none };
}

/** A wire to a server that answers the upgrade in this way; what it hears and how it ends. */
async function opened(
  port: number,
): Promise<{ wire: Wire; heard: () => string; end: () => string }> {
  let heard = "";
  let end = "";
  const wire = await dial(targetAt(port), patienceMs, () => ({
    data: (chunk) => (heard += Buffer.from(chunk).toString()),
    closed: (how, why) => (end = `${how}: ${why}`),
  }));
  return { wire, heard: () => heard, end: () => end };
}

async function refusal(hostility: Hostility): Promise<string> {
  await using server = await HostileServer.start(hostility);
  try {
    (await opened(server.port)).wire.reset();
    return "it was opened";
  } catch (error) {
    if (!(error instanceof DialError)) throw error;
    return `${error.code}: ${error.message}`;
  }
}

/** A right answer to an upgrade, but for the lines that are replaced. */
function answer(asked: string, other: Readonly<Record<string, string | null>> = {}): string {
  const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(asked)?.[1] ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  const fields = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": accept.digest("base64"),
    "Sec-WebSocket-Protocol": "mqtt",
    ...other,
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value}`],
  );
  return ["HTTP/1.1 101 Switching Protocols", ...lines, "", ""].join("\r\n");
}

test("the request: path with query, host with port, subprotocol mqtt, a new key each time", async () => {
  const requests: string[] = [];
  await using server = await HostileServer.start((socket, asked) => {
    requests.push(asked);
    socket.write(answer(asked));
  });
  for (let index = 0; index < 2; index++) {
    (await dial(targetAt(server.port, "/a/b?token=x"), patienceMs, () => ignored)).reset();
  }
  const [first = "", second] = requests;
  expect(first).toStartWith(`GET /a/b?token=x HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n`);
  expect(first).toContain("\r\nSec-WebSocket-Protocol: mqtt\r\n");
  expect(second).not.toBe(first);
});

const ignored = { data: () => {}, closed: () => {} };

test("answers that open no WebSocket", async () => {
  const refusals = [
    await refusal((socket) => void socket.end("HTTP/1.1 404 Not Found\r\n\r\n")),
    await refusal((socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")),
    await refusal((socket) => void socket.write(Uint8Array.of(0x20, 2, 0, 0, 13, 10, 13, 10))),
    await refusal((socket) => void socket.end()),
    await refusal((socket) => void socket.resetAndDestroy()),
    await refusal(
      (socket, asked) => void socket.write(answer(asked, { "Sec-WebSocket-Protocol": null })),
    ),
    await refusal(
      (socket, asked) => void socket.write(answer(asked, { "Sec-WebSocket-Protocol": "chat" })),
    ),
    await refusal(
      (socket, asked) => void socket.write(answer(asked, { "Sec-WebSocket-Accept": "wrong" })),
    ),
    await refusal(
      (socket, asked) =>
        void socket.write(answer(asked, { "Sec-WebSocket-Extensions": "permessage-deflate" })),
    ),
    await refusal((socket) => void socket.write("x".repeat(100_000))),
  ];
  expect(refusals.join("\n")).toMatchInlineSnapshot(`
    "WS_REFUSED: it answered HTTP status 404
    WS_REFUSED: it answered HTTP status 400
    WS_REFUSED: its answer is no HTTP/1.1
    WS_NONE: the connection was closed before an answer to the HTTP upgrade
    WS_NONE: the connection was reset before an answer to the HTTP upgrade
    WS_REFUSED: it did not take the subprotocol mqtt
    WS_REFUSED: it did not take the subprotocol mqtt
    WS_REFUSED: its Sec-WebSocket-Accept is wrong
    WS_REFUSED: it uses an extension that nobody offered
    WS_REFUSED: the head of its HTTP answer is above 8 KiB"
  `);
});

test("frames behind the head of the answer, split anywhere, are read", async () => {
  const frames = Buffer.from([0x82, 2, 0x61, 0x62, 0x02, 1, 0x63, 0x80, 1, 0x64]);
  for (const cut of [0, 1, 3, 5]) {
    const { promise: first, resolve } = Promise.withResolvers<Socket>();
    await using server = await HostileServer.start((socket, asked) => {
      socket.write(Buffer.concat([Buffer.from(answer(asked)), frames.subarray(0, cut)]));
      resolve(socket);
    });
    // It has read the head, and what was behind it.
    const { heard } = await opened(server.port);
    (await first).write(frames.subarray(cut));
    await eventually(() => heard() === "abcd", heard);
  }
});

test("what a broker may not send ends the connection, and is named", async () => {
  const wrong: [string, readonly number[]][] = [
    ["a text frame", [0x81, 1, 0x61]],
    ["a masked frame", [0x82, 0x81, 0, 0, 0, 0, 0x61]],
    ["compression", [0xc2, 1, 0x61]],
    ["a frame of 2 GiB", [0x82, 127, 0, 0, 0, 0, 0x80, 0, 0, 0]],
    ["a long ping", [0x89, 126, 0, 200]],
  ];
  const ends: string[] = [];
  for (const [name, bytes] of wrong) {
    await using server = await HostileServer.start((socket, asked) => {
      socket.write(Buffer.concat([Buffer.from(answer(asked)), Uint8Array.from(bytes)]));
    });
    const { end } = await opened(server.port);
    await eventually(
      () => end() !== "",
      () => `${name}: no end`,
    );
    ends.push(`${name}: ${end()}`);
  }
  expect(ends.join("\n")).toMatchInlineSnapshot(`
    "a text frame: malformed: a WebSocket text frame, where MQTT takes binary ones only
    a masked frame: malformed: a frame with a mask
    compression: malformed: a compressed frame, and no compression was agreed on
    a frame of 2 GiB: malformed: a WebSocket frame above the size of a packet
    a long ping: malformed: a control frame of an invalid length"
  `);
});

test("a ping is answered, unless the client is silent; its own ping has an answer", async () => {
  await using server = await EchoWebSocket.start(null);
  const port = "port" in server.place ? server.place.port : 0;
  const { wire, heard } = await opened(port);
  wire.send(Buffer.from("ping"));
  await eventually(() => heard() === "pong", heard);
  wire.webSocket?.ping();
  await eventually(() => heard() === "pongpinged", heard);
  wire.silence();
  wire.send(Buffer.from("ping"));
  wire.send(Buffer.from("."));
  await eventually(() => heard() === "pongpinged.", heard);
  wire.reset();
});

for (const status of [1000, 1001, null]) {
  test(`a Close frame with status ${status} is answered before FIN, and nothing follows it`, async () => {
    await using server = await EchoWebSocket.start(null);
    await using relay = await Relay.start(server.place);
    const { wire, heard, end } = await opened("port" in relay.place ? relay.place.port : 0);
    wire.send(Buffer.from("hello"));
    await eventually(() => heard() === "hello", heard);
    const before = relay.bytes.length;
    wire.webSocket?.close(status);
    wire.send(Buffer.from("more"));
    await eventually(
      () => relay.end !== null,
      () => "no end",
    );
    const closed = relay.bytes.subarray(before).toString("hex");
    expect(closed).toMatch(status === null ? /^8880[\da-f]{8}$/ : /^8882[\da-f]{12}$/);
    expect([relay.end, end()]).toEqual(["FIN", ""]);
  });
}

test("the broker's Close frame is told with its status", async () => {
  await using server = await EchoWebSocket.start(null);
  const { wire, end } = await opened("port" in server.place ? server.place.port : 0);
  wire.send(Buffer.from("bye"));
  await eventually(
    () => end() !== "",
    () => "no end",
  );
  expect(end()).toBe("eof: WebSocket Close 1001, going away");
});
