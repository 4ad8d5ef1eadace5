import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { type PacketReading, readPackets } from "../../../src/inspect/packet/reading.ts";
import { packetSource, type Taken } from "../../../src/inspect/packet/source.ts";
import { type Bytes, connect, publish } from "../../wire/frames.ts";
import { ipv4, tcpSegment } from "./network.ts";

function source(content: string | Bytes | Uint8Array): Taken {
  const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
  return packetSource(Uint8Array.from(bytes));
}

function read(content: string | Bytes): PacketReading {
  const taken = source(content);
  if (taken.type !== "packets") throw new Error(JSON.stringify(taken));
  return readPackets(taken, { protocol: "auto", skips: true });
}

/** What the bytes are called; null: they count as MQTT. */
function called(content: string | Bytes | Uint8Array): string | null {
  const taken = source(content);
  if (taken.type === "text") return "text";
  if (taken.type === "foreign") return taken.what;
  return readPackets(taken, { protocol: "auto", skips: true }).foreign?.what ?? null;
}

const own = path.join(import.meta.dir, "captures");
const rest = Array<number>(200).fill(7);

describe("what is known by its beginning", () => {
  for (const [what, start] of [
    ["a pcap capture", [0xd4, 0xc3, 0xb2, 0xa1]],
    ["a pcap capture", [0xa1, 0xb2, 0xc3, 0xd4]],
    ["a pcap capture", [0x4d, 0x3c, 0xb2, 0xa1]],
    ["a pcap capture", [0xa1, 0xb2, 0x3c, 0x4d]],
    ["a pcapng capture", [0x0a, 0x0d, 0x0d, 0x0a]],
    ["a gzip file", [...gzipSync("x")]],
    ["an xz file", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
    ["a zstd file", [0x28, 0xb5, 0x2f, 0xfd]],
    ["a bzip2 file", [...Buffer.from("BZh91AY")]],
    ["a zip file", [0x50, 0x4b, 3, 4, 0x14, 0]],
    ["an SSH connection", [...Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")]],
    ["an AMQP connection", [...Buffer.from("AMQP\0\0\x09\x01")]],
    ["a PNG image", [...Buffer.from("\x89PNG\r\n", "latin1")]],
  ] as const) {
    test(`${what} ${Buffer.from(start).toString("hex").slice(0, 12)}`, () => {
      expect(called([...start, ...rest])).toBe(what);
    });
  }

  test("a capture of tcpdump, and one of Wireshark if it lies beside the project", () => {
    const capture = readFileSync(path.join(own, "keepalive.pcap"));
    const hint = expect.stringContaining(
      "tshark -r FILE -q -z follow,tcp,hex,0 | mqttd inspect packet -",
    );
    expect(source(capture)).toEqual({ type: "foreign", what: "a pcap capture", hint });
    const ng = path.join(import.meta.dir, "../../../../shared/captures/null-loopback.pcapng");
    if (existsSync(ng)) expect(called(readFileSync(ng))).toBe("a pcapng capture");
  });

  test("a TLS record, in a file, as digits, and in a segment", () => {
    const hello = [0x16, 3, 1, 0, 200, 1, ...rest];
    expect(called(hello)).toBe("a TLS record (ClientHello), so the connection is encrypted");
    expect(called(Buffer.from(hello).toString("hex"))).toContain("ClientHello");
    expect(called([...ipv4(tcpSegment({ data: hello }))])).toContain("ClientHello");
    expect(called([0x17, 3, 3, 0, 40, ...rest])).toContain("application data");
    expect(called([0x15, 3, 3, 0, 2, 2, 40])).toContain("alert");
  });

  test("HTTP, as text", () => {
    const upgrade =
      "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    expect(called(upgrade)).toBe("HTTP without WebSocket frames");
    expect(called("HTTP/1.1 404 Not Found\r\n\r\n")).toContain("HTTP");
    expect(called([...Buffer.from(upgrade), 0xff, 0xff])).toContain("HTTP upgrade to WebSocket");
    const refused = "HTTP/1.1 400 Bad Request\r\nContent-Length: 1\r\n\r\n";
    expect(called([...Buffer.from(refused), 0])).toBe("an HTTP answer with status 400");
  });

  test("base64 of a packet", () => {
    expect(called(Buffer.from(connect(4)).toString("base64"))).toBe("base64");
  });

  test("noise is not called MQTT", () => {
    const noise = [
      ...deflateSync(Buffer.from(Array.from({ length: 4000 }, (_, at) => (at * at) >> 3))),
    ];
    expect(called([...noise, ...noise])).toContain("not MQTT");
  });

  test("packets of MQTT are none of these", () => {
    for (const version of [3, 4, 5] as const) {
      for (const bytes of [connect(version), publish(version), [0xc0, 0], [0x50, 2, 3, 4]]) {
        expect(called(bytes)).toBeNull();
      }
    }
  });
});

describe("WebSocket frames", () => {
  const key = [0x11, 0x22, 0x33, 0x44];

  function masked(data: Bytes, first = 0x82): Bytes {
    const size =
      data.length < 126 ? [0x80 | data.length] : [0xfe, data.length >> 8, data.length & 255];
    return [first, ...size, ...key, ...data.map((byte, at) => byte ^ (key[at % 4] ?? 0))];
  }

  const plain = (data: Bytes, first = 0x82): Bytes => [first, data.length, ...data];
  const hello = connect(4, { clientId: "dev" });
  const big = publish(4, { payload: "x".repeat(300) });

  function types(content: Bytes): string[] {
    return read(content).sections.flatMap(({ packets }) => packets.map(({ tree }) => tree.type));
  }

  test("of a client are unmasked, of a server taken as they are", () => {
    expect(types([...masked(hello), ...masked(big)])).toEqual(["CONNECT", "PUBLISH"]);
    expect(types(plain([0x20, 2, 0, 0]))).toEqual(["CONNACK"]);
    expect(read([...masked(hello), ...masked(big)]).sections[0]?.notes).toEqual([
      "2 WebSocket frames",
    ]);
    expect(read(masked(hello)).streams[0]?.webSocketFrames).toBe(1);
  });

  test("a packet over several frames, several packets in one, and control frames between them", () => {
    const parts = [masked(hello.slice(0, 5)), masked(hello.slice(5)), masked([0xc0, 0, 0xc0, 0])];
    const close = masked([0x03, 0xe8], 0x88);
    expect(types([...parts.flat(), ...masked([], 0x89), ...close])).toEqual([
      ...["CONNECT", "PINGREQ", "PINGREQ"],
    ]);
    const pings = Array.from({ length: 50_000 }, () => masked([], 0x89)).flat();
    expect(types([...pings, ...masked(hello)])).toEqual(["CONNECT"]);
    expect(read([...parts.flat(), ...close]).sections[0]?.notes).toEqual([
      "4 WebSocket frames",
      "a Close frame with status 1000",
    ]);
    // Fragments of one message.
    expect(types([...masked(hello.slice(0, 5), 0x02), ...masked(hello.slice(5), 0x80)])).toEqual([
      "CONNECT",
    ]);
  });

  test("behind the HTTP head, of one direction and of both", () => {
    const ask = [...Buffer.from("GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n")];
    const answer = [
      ...Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    ];
    expect(types([...ask, ...masked(hello)])).toEqual(["CONNECT"]);
    expect(types([...answer, ...plain([0x20, 2, 0, 0])])).toEqual(["CONNACK"]);
    expect(types([...ask, ...answer, ...masked(hello), ...plain([0x20, 2, 0, 0])])).toEqual([
      "CONNECT",
      "CONNACK",
    ]);
  });

  test("text frames break a rule, and a cut one is incomplete", () => {
    expect(read(masked(hello, 0x81)).sections[0]?.notes).toEqual([
      "1 WebSocket frame",
      "text frames, where MQTT requires binary ones [v4-6.0.0-1]",
    ]);
    expect(read([...masked(hello), ...masked(big).slice(0, 50)]).sections[0]?.notes).toContain(
      "the last WebSocket frame is incomplete",
    );
  });

  test("compressed frames are named", () => {
    expect(called(masked([1, 2, 3, 4, 5, 6], 0xc2))).toContain("permessage-deflate");
  });

  test("a SUBSCRIBE begins with the same byte and stays one", () => {
    const filters = Array.from({ length: 12 }, (_, at) => [
      0,
      8,
      ...Buffer.from(`plant/${at % 10}x`),
      0,
    ]);
    for (const count of [1, 12]) {
      const body = [0, 1, ...filters.slice(0, count).flat()];
      const length =
        body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
      expect(types([0x82, ...length, ...body])).toEqual(["SUBSCRIBE"]);
    }
    // One with a violation, too.
    expect(types([0x82, 5, 0, 0, 0, 1, 0x61])).toEqual(["SUBSCRIBE"]);
  });
});
