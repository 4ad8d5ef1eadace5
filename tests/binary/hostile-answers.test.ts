import { describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { Administered } from "../support/administered.ts";
import { Folder } from "../support/executable.ts";
import { drip, type Hostility, HostileServer, pour } from "../support/hostile-server.ts";
import { measured } from "../support/measured.ts";
import { mortal } from "../support/mortal.ts";

// Whatever answers at a broker's address: `inspect` reports it in one line, with the exit code that
// its help names, prints nothing that moves a terminal, and uses little memory.

const peakMost = 300_000_000;
const mebibyte = 1024 * 1024;

interface Row {
  readonly what: string;
  readonly server: Hostility;
  /** Default: none, which shows the overview. */
  readonly args?: readonly string[];
  readonly code: number;
  /** The one line; URL stands for the address. Null: no line. */
  readonly line: string | RegExp | null;
}

const head = "HTTP/1.1 200 OK\r\nmqttd-api: 1\r\n";
const json = "content-type: application/json\r\n";

/** A whole answer, a broker's according to its headers. */
function answer(body: string | Uint8Array, headers = json, first = head): Hostility {
  return (socket) => {
    const bytes = Buffer.from(body);
    socket.write(`${first}${headers}content-length: ${bytes.length}\r\n\r\n`);
    socket.end(bytes);
  };
}

/** An answer with this start, which repeats the same bytes for ever. */
function endless(start: string, bytes: Uint8Array): Hostility {
  return (socket) => {
    socket.write(start);
    pour(socket, bytes);
  };
}

function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
}

const letters = Buffer.alloc(64 * 1024, "a");
const quick = ["--timeout", "700ms"];

const notMqttd =
  "mqttd: the server at URL is not mqttd (the default port of mqttd's administration is 1888)";
const nobody =
  "mqttd: no administration interface answers at URL (start a broker with mqttd serve; the default port of its administration is 1888)";
const late = "mqttd: URL did not answer in time (--timeout allows more time)";
const brokeOff = "mqttd: the answer of URL broke off (the broker has gone, or the link is down)";
const strange = (why: string): string =>
  `mqttd: the answer of URL ${why} (no broker of this version of mqttd sends that)`;

const bytesOnTheWire: readonly Row[] = [
  { what: "silence", server: () => {}, args: quick, code: 5, line: late },
  { what: "an end at once", server: (socket) => socket.end(), code: 3, line: nobody },
  { what: "a reset", server: (socket) => socket.resetAndDestroy(), code: 3, line: nobody },
  {
    what: "a greeting of a mail server",
    server: (socket) => socket.end("220 mail.example ESMTP ready\r\n"),
    code: 4,
    line: notMqttd,
  },
  {
    what: "TLS records",
    server: (socket) => {
      socket.write(Uint8Array.of(0x16, 3, 3, 0, 122, 2, 0, 0, 118, ...letters.subarray(0, 120)));
      socket.end();
    },
    code: 4,
    line: notMqttd,
  },
  { what: "zeros for ever", server: endless("", Buffer.alloc(65_536)), code: 4, line: notMqttd },
  {
    what: "headers for ever",
    server: endless("HTTP/1.1 200 OK\r\n", Buffer.from(`x-a: ${"a".repeat(60_000)}\r\n`)),
    code: 4,
    line: notMqttd,
  },
  {
    what: "one header for ever",
    server: endless(`${head}x-a: `, letters),
    code: 4,
    line: notMqttd,
  },
  {
    what: "promises of an answer for ever",
    server: endless("", Buffer.from("HTTP/1.1 100 Continue\r\n\r\n".repeat(100))),
    args: quick,
    code: 5,
    line: late,
  },
  {
    what: "another program's page",
    server: answer("<html>hello</html>", "content-type: text/html\r\n", "HTTP/1.1 200 OK\r\n"),
    code: 4,
    line: notMqttd,
  },
  {
    what: "another program's page without an end",
    server: endless("HTTP/1.1 200 OK\r\n\r\n", letters),
    code: 4,
    line: notMqttd,
  },
  {
    what: "a redirect",
    server: answer("", "location: http://127.0.0.1:1/\r\n", "HTTP/1.1 302 Found\r\n"),
    code: 4,
    line: notMqttd,
  },
  {
    what: "a redirect of what says that it is a broker",
    server: answer(
      "",
      "location: http://127.0.0.1:1/\r\n",
      "HTTP/1.1 302 Found\r\nmqttd-api: 1\r\n",
    ),
    code: 4,
    line: "mqttd: the broker answered 302",
  },
  {
    what: "another version, with a number that would move the cursor",
    server: (socket) =>
      void socket.end(
        "HTTP/1.1 200 OK\r\nmqttd-api: \u009b2J\r\ncontent-length: 0\r\n\r\n",
        "latin1",
      ),
    code: 2,
    line: /^mqttd: the broker at URL speaks version '.*' of the interface, this program version 1 \(.*\)$/,
  },
];

const bodies: readonly Row[] = [
  {
    what: "half of what was announced",
    server: (socket) => void socket.end(`${head}${json}content-length: 100\r\n\r\n{"now":`),
    code: 3,
    line: brokeOff,
  },
  {
    what: "half a chunk",
    server: (socket) => void socket.end(`${head}${json}transfer-encoding: chunked\r\n\r\nff\r\n{"`),
    code: 3,
    line: brokeOff,
  },
  {
    what: "a body that comes byte by byte",
    server: (socket) => {
      socket.write(`${head}${json}\r\n{"now":`);
      drip(socket, " ", 20);
    },
    args: quick,
    code: 5,
    line: late,
  },
  {
    what: "a body without an end",
    server: endless(`${head}${json}\r\n"`, letters),
    code: 4,
    line: strange("is larger than 16 MiB"),
  },
  {
    what: "chunks without an end",
    server: endless(`${head}${json}transfer-encoding: chunked\r\n\r\n`, chunk(letters)),
    code: 4,
    line: strange("is larger than 16 MiB"),
  },
  {
    what: "one chunk of 4 GiB",
    server: endless(`${head}${json}transfer-encoding: chunked\r\n\r\nffffffff\r\n`, letters),
    code: 4,
    line: strange("is larger than 16 MiB"),
  },
  {
    what: "an announced body of 1 TiB",
    server: endless(`${head}${json}content-length: ${2 ** 40}\r\n\r\n`, letters),
    code: 4,
    line: strange("is larger than 16 MiB"),
  },
  {
    what: "16 MiB that were announced, of letters",
    server: answer(Buffer.alloc(16 * mebibyte, "a")),
    code: 4,
    line: strange("is not the JSON of a broker"),
  },
  {
    what: "some kilobytes that unpack to 64 MiB",
    server: answer(gzipSync(Buffer.alloc(64 * mebibyte, " ")), `${json}content-encoding: gzip\r\n`),
    code: 4,
    line: strange("is not JSON"),
  },
  {
    what: "a page of what says that it is a broker",
    server: answer("{}", "content-type: text/html\r\n"),
    code: 4,
    line: strange("is not JSON"),
  },
  {
    what: "half JSON",
    server: answer('{"now":'),
    code: 4,
    line: strange("is not the JSON of a broker"),
  },
  {
    what: "a setting of lists in lists, a million deep",
    server: answer(
      `{"file":null,"values":[{"path":"a","origin":"b","value":${"[".repeat(1e6)}${"]".repeat(1e6)}}]}`,
    ),
    args: ["config"],
    code: 4,
    line: strange("is not the JSON of a broker"),
  },
  {
    what: "16 MiB of empty objects",
    server: answer(`[${"{},".repeat((16 * mebibyte) / 3 - 1)}{}]`),
    code: 4,
    line: strange("is not the JSON of a broker"),
  },
  {
    what: "16 MiB of short strings",
    server: answer(`[${'"ab",'.repeat((16 * mebibyte) / 5 - 2)}""]`),
    code: 4,
    line: strange("is not the JSON of a broker"),
  },
  {
    what: "16 MiB of as many objects as are parsed",
    server: answer(`[${`{"a":{}${" ".repeat(18)}},`.repeat(620_000)}{}]`),
    code: 4,
    line: strange("is of another kind"),
  },
];

/** As many small items as fit into 16 MiB. */
function many(key: string, item: object | string, rest: object, most = Infinity): string {
  const text = JSON.stringify(item);
  const items = Math.min(most, Math.floor((16 * mebibyte - 1000) / (text.length + 1)));
  return JSON.stringify({ [key]: [], ...rest }).replace(
    `"${key}":[]`,
    () => `"${key}":[${`${text},`.repeat(items - 1)}${text}]`,
  );
}

const recipient = {
  ...{ clientId: "", connected: true, qos: 0 },
  ...{ filters: ["a"], noLocal: true, outcome: "sent" },
};

const lastPacket = JSON.stringify({ type: "\u200b".repeat(5 * mebibyte), at: 0 });

const longLists: readonly Row[] = [
  {
    what: "16 MiB of recipients",
    server: answer(many("recipients", recipient, { topic: "t" })),
    args: ["subscriptions", "t"],
    code: 4,
    line: strange("has an invalid value: recipients"),
  },
  {
    what: "a hundred thousand recipients",
    server: answer(many("recipients", recipient, { topic: "t" }, 100_000)),
    args: ["subscriptions", "t"],
    code: 0,
    line: null,
  },
  {
    what: "16 MiB of settings",
    server: answer(many("values", { path: "abc", value: 0, origin: "" }, { file: null })),
    args: ["config"],
    code: 4,
    line: strange("has an invalid value: values"),
  },
  {
    what: "16 MiB of names of what has changed",
    server: answer(many("changed", "abcdefgh", { ok: true, file: null, later: [], problems: [] })),
    args: ["reload"],
    code: 4,
    line: strange("has an invalid value: changed"),
  },
  {
    what: "15 MiB of what would be the broker's own words",
    server: answer(clientsOf("a").replace('"lastPacket":null', () => `"lastPacket":${lastPacket}`)),
    args: ["clients"],
    code: 4,
    line: strange("has an invalid value: clients.0.lastPacket.type"),
  },
  {
    what: "more clients than were asked for",
    server: answer(clientsOf("a", "b")),
    args: ["clients", "--limit", "1"],
    code: 4,
    line: strange("has an invalid value: clients"),
  },
];

/** A list of clients with such ids. */
function clientsOf(...ids: readonly string[]): string {
  const clients = ids.map((clientId) => ({
    ...{ clientId, connected: false, remote: null, listener: null, protocol: "5.0" },
    ...{ username: null, keepAliveSeconds: 0, lastPacket: null, deadlineAt: null },
    ...{ subscriptions: 0, queued: 0, inflight: 0, will: null },
  }));
  return JSON.stringify({ clients, more: false });
}

const refusals: readonly Row[] = [
  {
    what: "a refusal that would move the cursor and begin lines",
    server: answer(
      JSON.stringify({ error: "no\u001b[2J\nmqttd: ok", hint: "\u202etry\u009b1A" }),
      json,
      "HTTP/1.1 403 Forbidden\r\nmqttd-api: 1\r\n",
    ),
    code: 4,
    line: "mqttd: no\\u001b[2J\\nmqttd: ok (\\u202etry\\u009b1A)",
  },
  {
    what: "a refusal of another kind",
    server: answer("[]", json, "HTTP/1.1 500 Oh\r\nmqttd-api: 1\r\n"),
    code: 4,
    line: "mqttd: the broker answered 500",
  },
  {
    what: "a refusal without an end",
    server: endless(`HTTP/1.1 404 Not Found\r\nmqttd-api: 1\r\n${json}\r\n"`, letters),
    args: ["client", "dev-42"],
    code: 4,
    line: "mqttd: the broker answered 404",
  },
  {
    what: "a thousand ids that are near",
    server: answer(
      JSON.stringify({ error: "no", hint: null, nearest: Array.from({ length: 1000 }, String) }),
      json,
      "HTTP/1.1 404 Not Found\r\nmqttd-api: 1\r\n",
    ),
    args: ["client", "dev-42"],
    code: 4,
    line: "mqttd: the broker answered 404",
  },
];

/** Every verb, with the first key that it misses in an empty object. */
const verbs: readonly [args: readonly string[], missing: string][] = [
  [[], "now"],
  [["clients"], "clients"],
  [["client", "dev-42"], "now"],
  [["wills"], "now"],
  [["sessions"], "sessions"],
  [["subscriptions"], "subscriptions"],
  [["subscriptions", "t"], "topic"],
  [["retained"], "retained"],
  [["explain", "dev-42"], "now"],
  [["config"], "file"],
  [["tail"], "now"],
  [["kick", "dev-42"], "wasConnected"],
  [["drop", "dev-42"], "wasConnected"],
  [["reload"], "ok"],
  [["log", "info"], "level"],
];

const shapes: readonly Row[] = [
  ...verbs.map(([args, missing]) => ({
    ...{ what: `{} to inspect ${args.join(" ")}`, server: answer("{}"), args, code: 4 },
    line: strange(`has an invalid value: ${missing}`),
  })),
  ...["5", "null", '"x"', "[]", "true"].map((text) => ({
    ...{ what: `${text} to inspect`, server: answer(text), code: 4 },
    line: strange("is of another kind"),
  })),
];

/** Answers the overview to its path, and the given answer to others. */
async function besideOverview(hostility: Hostility): Promise<Hostility> {
  const overview = answer(await (await new Administered().ask("/v1/overview")).text());
  return (socket, asked) =>
    asked.startsWith("GET /v1/overview ") ? overview(socket, asked) : hostility(socket, asked);
}

const events = `${head}content-type: text/event-stream\r\n\r\n`;
const noEvent = (what: string): string =>
  `mqttd: among the broker's events ${what} (no broker of this version of mqttd sends that)`;

const streams: readonly Row[] = [
  {
    what: "an event without an end",
    server: endless(`${events}data: "`, letters),
    code: 4,
    line: noEvent("one has no end"),
  },
  {
    what: "an event of another kind",
    server: (socket) => void socket.write(`${events}data: {"at":1}\n\n`),
    code: 4,
    line: noEvent("one is of another kind"),
  },
  {
    what: "a stream of another kind",
    server: answer("{}"),
    code: 4,
    line: strange("is not a stream of events"),
  },
  {
    what: "a stream that breaks off",
    server: (socket) => {
      socket.write(
        `${head}content-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nff\r\n:`,
      );
      socket.end();
    },
    code: 3,
    line: "mqttd: the broker's events broke off (the broker has gone, or the link is down)",
  },
  {
    what: "a stream that ends",
    server: (socket) => void socket.end(`${events}: mqttd\n\n`),
    code: 3,
    line: "mqttd: the broker has stopped",
  },
];

/** For a busy machine, where the time is not under test. */
const ample = ["--timeout", "50s"];

async function play({ server, args = [], code, line }: Row): Promise<void> {
  using folder = new Folder();
  await using hostile = await HostileServer.start(server);
  const patience = args.includes("--timeout") ? [] : ample;
  const where = ["--admin", String(hostile.port), ...patience];
  const ended = await measured(folder, ["inspect", ...args, ...where]);
  const said = ended.stderr.replaceAll(`http://127.0.0.1:${hostile.port}`, "URL");
  expect({ ...ended, stderr: said }).toMatchObject({
    ...{ code, isPrintable: true },
    ...(line !== null && code !== 0 && { stdout: "" }),
    stderr: line === null ? "" : typeof line === "string" ? `${line}\n` : expect.any(String),
  });
  if (line instanceof RegExp) expect(said.trimEnd()).toMatch(line);
  expect(ended.peakBytes).toBeGreaterThan(mebibyte);
  expect(ended.peakBytes).toBeLessThan(peakMost);
}

const limitMs = 180_000;

for (const [group, rows] of Object.entries({
  bytesOnTheWire,
  bodies,
  longLists,
  refusals,
  shapes,
})) {
  describe(`inspect, hostile answers: ${group}`, () => {
    for (const row of rows) test(row.what, async () => play(row), limitMs);
  });
}

describe("inspect tail, hostile answers", () => {
  for (const row of streams) {
    test(
      row.what,
      async () => play({ ...row, args: ["tail"], server: await besideOverview(row.server) }),
      limitMs,
    );
  }
});

describe("inspect, answers whose strings are hostile", () => {
  const harm = "\u001b[2J\u009b1A\r\n\u202e\u2066\u200bx\u007f";

  /**
   * A real broker's answer, with every free string of a peer or its own, and with the subscriptions that
   * explain asks for in an answer of its own.
   */
  async function harmful(): Promise<string> {
    const admin = new Administered();
    mortal(admin.world, { id: harm, keepalive: 10, username: harm, will: { topic: "t" } }).drop();
    const path = `/v1/clients/${encodeURIComponent(harm)}`;
    const client = (await (await admin.ask(path)).json()) as object;
    const subscription = {
      ...{ clientId: harm, filter: `T${harm}`, qos: 0, noLocal: false, retainAsPublished: false },
      ...{ identifier: 0, group: null },
    };
    const text = JSON.stringify({ ...client, subscriptions: [subscription], more: false });
    return text.replaceAll(
      /"(causeText|detail|rule|statement|type|listener|remote|topic|text)":"[^"]*"/g,
      (_, key: string) => `"${key}":${JSON.stringify(harm)}`,
    );
  }

  test.each([
    [["client", "x"]],
    [["client", "x", "--json"]],
    [["client", "x", "--color", "always"]],
    [["explain", "x"]],
    [["explain", "x", "--json"]],
  ])(
    "inspect %j",
    async (args) => {
      using folder = new Folder();
      await using hostile = await HostileServer.start(answer(await harmful()));
      const where = ["--admin", String(hostile.port), ...ample];
      const ended = await measured(folder, ["inspect", ...args, ...where]);
      const plain = Bun.stripANSI(ended.stdout);
      expect(ended).toMatchObject({ code: 0, stderr: "" });
      expect(plain).not.toMatch(/[^\n\P{C}]/u);
      expect(plain).toContain("\\u001b[2J");
      if (args.includes("--json")) {
        expect(JSON.parse(ended.stdout)).toMatchObject({ clientId: harm });
        expect(ended.stdout.match(/\n/g)).toHaveLength(1);
      }
    },
    limitMs,
  );

  test.each([
    ["that is seen", "灯灯灯"],
    ["that is not", "\u200b\u061c\u202e"],
    ["of which each second character is not", "\u200ba\u200ba"],
  ])(
    "an id of 15 MiB %s, in a table and as JSON",
    async (_, characters) => {
      using folder = new Folder();
      const overview = await besideOverview(answer(clientsOf(characters.repeat(1.6 * mebibyte))));
      await using hostile = await HostileServer.start(overview);
      for (const args of [[], ["--json"]]) {
        const where = ["--admin", String(hostile.port), ...ample];
        const ended = await measured(folder, ["inspect", "clients", ...args, ...where]);
        expect(ended).toMatchObject({ code: 0, stderr: "", isPrintable: true });
        expect(ended.peakBytes).toBeLessThan(peakMost);
        if (args.length === 0) expect(ended.stdoutLength).toBeLessThan(3000);
      }
    },
    limitMs,
  );
});
