import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { Authority, opensslMissing } from "../support/certificates.ts";
import { connectBytes, connectFlag } from "../support/connect-bytes.ts";
import { type LogLine, RunningBroker } from "../support/executable.ts";
import { eventually } from "../support/inbox.ts";
import { MqttJsClient } from "../support/mqttjs-client.ts";
import { TlsPeer } from "../transport/tls-peer.ts";
import { Peer } from "../transport/transports.ts";
import { type FrameShape, frameOf } from "../websocket/frame-stream.ts";
import { spoken, upgrade } from "../websocket/server-bytes.ts";

/** In the configuration file: while a test builds up a crowd, nobody in it is timed out. */
const patient = { limits: { connectTimeout: "60s" } };
const impatient = { limits: { connectTimeout: "100ms" } };
type Kind = "ws" | "wss";
const kinds: readonly Kind[] = opensslMissing === null ? ["ws", "wss"] : ["ws"];
const authority = opensslMissing === null ? new Authority() : null;
let broker: RunningBroker;
beforeAll(async () => {
  const certificate = authority?.issue("broker", ["DNS:localhost", "IP:127.0.0.1"]);
  const settings = [
    ...["listeners.1.transport=ws", "listeners.1.port=0", "listeners.1.path=/mqtt"],
    ...(certificate === undefined
      ? []
      : [
          ...["listeners.2.transport=wss", "listeners.2.port=0", "listeners.2.path=/mqtt"],
          ...["listeners.2.tls.cert=broker.crt", "listeners.2.tls.key=broker.key"],
        ]),
    "limits.unfinishedBytes=26MiB",
  ];
  broker = await RunningBroker.start({
    files: {
      "mqttd.json": JSON.stringify(patient),
      ...(certificate !== undefined && {
        "broker.crt": certificate.cert,
        "broker.key": certificate.key,
      }),
    },
    args: settings.flatMap((setting) => ["--set", setting]),
  });
});
afterAll(async () => {
  try {
    await broker.stop();
  } finally {
    await broker[Symbol.asyncDispose]();
    authority?.[Symbol.dispose]();
  }
});

const url = (kind: Kind = "ws"): string =>
  broker.urls.find((one) => one.startsWith(`${kind}:`)) ?? "";
const port = (kind: Kind = "ws"): number => Number(new URL(url(kind)).port);

/** A fresh client is let in, and gets what it publishes. */
async function isServing(kind: Kind = "ws"): Promise<void> {
  const options = { protocolVersion: 5, rejectUnauthorized: false } as const;
  await using client = await MqttJsClient.connect(url(kind), options);
  await client.mqtt.subscribeAsync("alive");
  await client.mqtt.publishAsync("alive", "yes", { qos: 1 });
  expect((await client.message("alive")).payload.toString()).toBe("yes");
}

type Stranger = Peer | TlsPeer;

/** Lines of the log when each peer dialled: an earlier one may have had the same port. */
const linesBefore = new WeakMap<Stranger, number>();

async function dial(): Promise<Peer> {
  return dialled(async () => Peer.dial(port()));
}

async function dialOver(kind: Kind): Promise<Stranger> {
  if (kind === "ws") return dial();
  return dialled(async () => TlsPeer.dial({ hostname: "127.0.0.1", port: port(kind) }));
}

async function dialled<One extends Stranger>(open: () => Promise<One>): Promise<One> {
  const before = broker.log.items.length;
  const peer = await open();
  linesBefore.set(peer, before);
  return peer;
}

/** What the log says about the connection of a peer. */
async function endOf(peer: Stranger, boundMs?: number): Promise<LogLine> {
  const { local } = peer;
  const ends = (): LogLine[] =>
    broker.log.items
      .slice(linesBefore.get(peer))
      .filter(({ event, remote }) => event === "ended" && remote === local);
  await broker.line(`the end of ${local}`, () => ends().length > 0, boundMs);
  const [line, ...others] = ends();
  expect(others).toEqual([]);
  return line as LogLine;
}

let clients = 0;

/** A client whose CONNECT, with a will, has been accepted. */
async function connected(keepAlive = 0): Promise<Peer> {
  const peer = await dial();
  await greeted(peer, keepAlive);
  return peer;
}

async function greeted(peer: Stranger, keepAlive = 0): Promise<void> {
  const willTopic = `will/${++clients}`;
  peer.send(upgrade);
  const flags = connectFlag.clean | connectFlag.will;
  peer.send(
    frameOf(connectBytes({ version: 5, clientId: `c${clients}`, keepAlive, flags, willTopic })),
  );
  await eventually(
    () => spoken(peer.bytes).dataFrames > 0,
    () => "no CONNACK",
  );
}

const frames: readonly [
  name: string,
  bytes: Uint8Array,
  close: number,
  cause: string,
  detail: string,
][] = [
  ["no mask", frame("x", { mask: null }), 1002, "webSocketFailed", "a frame without a mask"],
  [
    "RSV1",
    frame("x", { reserved: 0x40 }),
    1002,
    "webSocketFailed",
    "a compressed frame, and no compression was agreed on",
  ],
  ["RSV2", frame("x", { reserved: 0x20 }), 1002, "webSocketFailed", "a frame with a reserved bit"],
  [
    "opcode 5",
    frame("x", { opcode: 5 }),
    1002,
    "webSocketFailed",
    "a frame with an opcode that may not stand there",
  ],
  [
    "text",
    frame("x", { opcode: 1 }),
    1003,
    "protocolError",
    "a WebSocket text frame, where MQTT takes binary ones only",
  ],
  [
    "2 TiB",
    frame("x", { announced: 2n ** 41n }),
    1009,
    "packetTooLarge",
    "a WebSocket frame above the size of a packet",
  ],
  [
    "2^63",
    frame("x", { announced: 2n ** 63n }),
    1009,
    "packetTooLarge",
    "a WebSocket frame of more than 2^53 bytes",
  ],
  [
    "a fragmented Ping",
    frame("x", { opcode: 9, fin: false }),
    1002,
    "webSocketFailed",
    "a fragmented control frame",
  ],
  [
    "a Ping of 126 bytes",
    frame("x".repeat(126), { opcode: 9 }),
    1002,
    "webSocketFailed",
    "a control frame of an invalid length",
  ],
  [
    "a Close with status 1005",
    frame("\x03\xed", { opcode: 8 }),
    1002,
    "webSocketFailed",
    "a Close frame with an invalid status",
  ],
];

function frame(payload: string, shape: FrameShape): Uint8Array {
  return frameOf(Buffer.from(payload, "latin1"), shape);
}

const lines = upgrade.split("\r\n");
const without = (name: string): string =>
  lines.filter((line) => !line.startsWith(name)).join("\r\n");
const instead = (from: string | RegExp, to: string): string => upgrade.replace(from, to);

const upgrades: readonly [name: string, request: string, status: string, detail: string][] = [
  ["a plain GET", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "426", "a plain HTTP request"],
  ["POST", instead("GET", "POST"), "405", "an HTTP request POST"],
  ["HTTP/1.0", instead("HTTP/1.1", "HTTP/1.0"), "400", "an upgrade by HTTP/1.0"],
  ["no key", without("Sec-WebSocket-Key"), "400", "an upgrade without a valid Sec-WebSocket-Key"],
  ["no Host", without("Host"), "400", "an upgrade without Host"],
  [
    "version 8",
    instead(/Version: 13/, "Version: 8"),
    "426",
    "an upgrade to another version of WebSocket",
  ],
  [
    "no subprotocol",
    without("Sec-WebSocket-Protocol"),
    "400",
    "an upgrade without a subprotocol; clients of MQTT offer mqtt",
  ],
  [
    "another subprotocol",
    instead("mqtt\r\n\r\n", "chat\r\n\r\n"),
    "400",
    "an upgrade without the subprotocol mqtt, with chat",
  ],
  ["another path", instead("/mqtt", "/x"), "404", "an upgrade on the path /x, another than /mqtt"],
  [
    "a page of the web",
    instead("Host", "Origin: https://evil.example\r\nHost"),
    "403",
    "a page of https://evil.example, which listeners[].origins does not allow",
  ],
  ["a body", instead("Host", "Content-Length: 3\r\nHost"), "400", "an upgrade with a body"],
  ["a folded line", instead("Host", "A: b\r\n c\r\nHost"), "400", "a malformed HTTP request"],
  [
    "8 KiB",
    `GET /mqtt HTTP/1.1\r\nA: ${"x".repeat(9000)}`,
    "431",
    "an HTTP request with a head above 8 KiB",
  ],
  [
    "MQTT",
    Buffer.from(connectBytes({ version: 4 })).toString("latin1"),
    "",
    "an MQTT CONNECT, and this listener takes WebSocket only",
  ],
  ["TLS", "\x16\x03\x01\x02\x00", "", "a TLS handshake, and this listener takes WebSocket only"],
];

describe.each(kinds)("over %s", (kind) => {
  test.each(frames)(
    "a frame, %s: its Close, its cause, its will",
    async (_name, bytes, close, cause, detail) => {
      const peer = await dialOver(kind);
      await greeted(peer);
      peer.send(bytes);
      expect(await peer.ended).toBe("eof");
      peer.fin();
      expect(spoken(peer.bytes).close).toBe(close);
      const end = await endOf(peer);
      expect(end).toMatchObject({ cause, detail, wasConnected: true, will: { fate: "published" } });
      expect(end["statement"]).toBe(cause === "protocolError" ? "v5-6.0.0-1" : null);
      await isServing(kind);
    },
  );

  test.each(upgrades)(
    "a bad upgrade, %s: its answer, its cause",
    async (_name, request, status, detail) => {
      const peer = await dialOver(kind);
      peer.send(Buffer.from(request, "latin1"));
      expect(await peer.ended).toBe("eof");
      peer.fin();
      expect(spoken(peer.bytes).status).toBe(status);
      const end = await endOf(peer);
      expect(end).toMatchObject({
        cause: "webSocketFailed",
        detail,
        wasConnected: false,
        will: null,
      });
      await isServing(kind);
    },
  );
});

test("Pings alone do not keep a client alive", async () => {
  const peer = await connected(1);
  const ping = frameOf(new Uint8Array(0), { opcode: 9 });
  peer.send(ping);
  await peer.until(() => spoken(peer.bytes).pongs.length > 0);
  // The client's own rhythm, not a wait for an event.
  const timer = setInterval(() => peer.send(ping), 100);
  const end = await endOf(peer).finally(() => clearInterval(timer));
  expect(end).toMatchObject({ cause: "keepAliveExpired", will: { fate: "published" } });
  expect(spoken(peer.bytes).close).toBe(1000);
  peer.rst();
});

const isLinux = process.platform === "linux";
const descriptors = (): number => readdirSync(`/proc/${broker.pid}/fd`).length;

function residentBytes(): number {
  return Number(readFileSync(`/proc/${broker.pid}/statm`, "utf8").split(" ")[1]) * 4096;
}

const crowd = 300;
/** Beside what is counted, one connection may take as much. */
const connectionBytes = 64 * 1024;

const floods: readonly [
  name: string,
  first: string,
  second: () => Uint8Array,
  cause: string,
  limit: number,
][] = [
  // Each holds 8 KiB.
  [
    "heads without an end",
    `GET /mqtt HTTP/1.1\r\nA: ${"x".repeat(8000)}`,
    () => new Uint8Array(0),
    "connectTimeout",
    crowd * 8192,
  ],
  ["upgrades and nothing else", upgrade, () => new Uint8Array(0), "connectTimeout", 0],
  // A CONNECT of 256 KiB, without its end.
  [
    "half a CONNECT",
    upgrade,
    () => frameOf(Buffer.concat([Uint8Array.of(0x10, 0x80, 0x80, 0x10), Buffer.alloc(200_000)])),
    "",
    26 * 1024 * 1024,
  ],
];

test.if(isLinux).each(floods)(
  `${crowd} connections, %s: memory is bounded, others are served, descriptors are freed`,
  async (_name, first, second, cause, limit) => {
    const [before, idle] = [residentBytes(), descriptors()];
    const peers = await Promise.all(Array.from({ length: crowd }, dial));
    for (const peer of peers) peer.send(first);
    for (const peer of peers) await peer.pour(second());
    await isServing();
    expect(residentBytes() - before).toBeLessThan(limit + crowd * connectionBytes);
    if (cause !== "") {
      await broker.reload(impatient);
      for (const peer of peers) expect(await endOf(peer)).toMatchObject({ cause });
      await broker.reload(patient);
    }
    for (const peer of peers) peer.rst();
    await eventually(
      () => descriptors() <= idle + 2,
      () => `${descriptors()} descriptors, ${idle} before`,
    );
    await isServing();
  },
  180_000,
);

const empty = new Uint8Array(0);
const emptyFrames =
  "a flood of WebSocket frames without a byte in them, such as Pings (limits.webSocketEmptyFrames)";

test("a flood of Pings and of empty frames is ended, and others are served meanwhile", async () => {
  const flooders = await Promise.all(Array.from({ length: 10 }, async () => connected()));
  await using bystander = await MqttJsClient.connect(url(), { protocolVersion: 5 });
  const pair = [frameOf(empty, { opcode: 9 }), frameOf(empty)];
  const flood = Buffer.concat(Array.from({ length: 50_000 }, () => pair).flat());
  const pouring = Promise.all(flooders.map(async (peer) => peer.pour(flood)));
  pouring.catch(() => {});
  for (let round = 0; round < 20; round++) await bystander.roundTrip();
  for (const peer of flooders) {
    expect(await endOf(peer)).toMatchObject({
      cause: "webSocketFailed",
      detail: emptyFrames,
    });
  }
  for (const peer of flooders) peer.rst();
  await isServing();
}, 180_000);

test("what is a flood of empty frames, a reload decides", async () => {
  const peer = await connected();
  const pings = Buffer.concat(Array.from({ length: 20 }, () => frameOf(empty, { opcode: 9 })));
  peer.send(pings);
  await peer.until(() => spoken(peer.bytes).pongs.length > 0);
  await broker.reload({ limits: { ...patient.limits, webSocketEmptyFrames: 10 } });
  peer.send(pings);
  expect(await endOf(peer)).toMatchObject({ cause: "webSocketFailed", detail: emptyFrames });
  peer.rst();
  await broker.reload(patient);
}, 180_000);

test("with less room for frames that wait, those who have most of them are ended", async () => {
  await broker.reload({ limits: { ...patient.limits, webSocketBytes: "1MiB" } });
  const flooders = await Promise.all(Array.from({ length: 20 }, async () => connected()));
  const ping = Buffer.concat([frameOf(Uint8Array.of(0xc0)), frameOf(Uint8Array.of(0))]);
  const flood = Buffer.concat(Array.from({ length: 100_000 }, () => ping));
  const pouring = Promise.all(flooders.map(async (peer) => peer.pour(flood)));
  pouring.catch(() => {});
  const detail = "more WebSocket frames wait than limits.webSocketBytes allows";
  await broker.line("a flood without room", (line) => line["detail"] === detail);
  for (const peer of flooders) peer.rst();
  await broker.reload(patient);
  await isServing();
}, 180_000);

test("a flood of frames of one byte: others do not wait for those who send it", async () => {
  const flooders = await Promise.all(Array.from({ length: 20 }, async () => connected()));
  await using bystander = await MqttJsClient.connect(url(), { protocolVersion: 5 });
  const pings = 100_000;
  const pair = [frameOf(Uint8Array.of(0xc0)), frameOf(Uint8Array.of(0))];
  const flood = Buffer.concat(Array.from({ length: pings }, () => pair).flat());
  const pouring = Promise.all(flooders.map(async (peer) => peer.pour(flood)));
  pouring.catch(() => {});
  const answered = (): number =>
    flooders.reduce((bytes, peer) => bytes + peer.bytes.length, 0) / pingrespBytes;
  await eventually(
    () => answered() > 1000,
    () => "no flood",
  );
  const all = flooders.length * pings;
  const rounds = 20;
  const meanwhile: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = answered();
    // Afterwards nobody would have to wait.
    if (before === all) break;
    await bystander.roundTrip();
    meanwhile.push(answered() - before);
  }
  // It waits for a turn or two each time; behind all that had come, for twenty and more. The median: what
  // the broker does while this process is held up says nothing.
  const usual = meanwhile.toSorted((one, other) => one - other)[meanwhile.length >> 1] ?? NaN;
  expect((rounds * usual) / all).toBeLessThan(0.1);
  for (const peer of flooders) peer.rst();
  await isServing();
}, 180_000);

/** In its frame. */
const pingrespBytes = 4;
