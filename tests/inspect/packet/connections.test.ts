import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type PacketReading, readPackets } from "../../../src/inspect/packet/reading.ts";
import { packetSource } from "../../../src/inspect/packet/source.ts";
import { connect, publish } from "../../wire/frames.ts";
import {
  framesOfPcap,
  ipv4,
  type Octets,
  tcpdumpDump,
  tcpSegment,
  wiresharkDump,
} from "./network.ts";

function read(content: string | Uint8Array): PacketReading & { readonly notes: readonly string[] } {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const source = packetSource(bytes);
  if (source.type !== "packets") throw new Error(JSON.stringify(source));
  return { ...readPackets(source, { protocol: "auto", skips: true }), notes: source.notes };
}

/** `client CONNECT`, in the order that is shown. */
function told({ sections }: PacketReading): string[] {
  return sections.flatMap(({ packets }) =>
    packets.map(({ tree }) => `${tree.from} ${tree.type}${tree.violations.length > 0 ? "!" : ""}`),
  );
}

const hello = connect(4, { clientId: "dev" });
const accepted: Octets = [0x20, 2, 0, 0];
const ping: Octets = [0xc0, 0];
const pong: Octets = [0xd0, 0];

const there = (sequence: number, data: Octets, flags = 0x18): string =>
  tcpdumpDump(ipv4(tcpSegment({ sequence, data, flags })));
const back = (sequence: number, data: Octets): string =>
  tcpdumpDump(ipv4(tcpSegment({ ports: [1883, 43_808], sequence, data }), { isBack: true }));

describe("several dumps", () => {
  test("segments of both directions, in the order in which they came", () => {
    const text =
      there(100, [], 2) +
      there(101, hello) +
      back(500, accepted) +
      there(101 + hello.length, ping) +
      back(504, pong);
    const reading = read(text);
    expect(told(reading)).toEqual([
      "client CONNECT",
      "server CONNACK",
      "client PINGREQ",
      "server PINGRESP",
    ]);
    expect(reading.streams.map(({ from, bytes }) => [from, bytes])).toEqual([
      ["client", hello.length + 2],
      ["server", 6],
    ]);
    // The CONNECT decides for the server too.
    const packets = reading.sections.flatMap((section) => section.packets);
    expect(packets.every(({ tree }) => tree.protocol === 4 && tree.protocolBy === "CONNECT")).toBe(
      true,
    );
  });

  test("a packet over several segments, out of order and sent again", () => {
    const text =
      there(1 + 9, hello.slice(9)) + there(1, hello.slice(0, 9)) + there(1, hello.slice(0, 9));
    expect(told(read(text))).toEqual(["client CONNECT"]);
    const overlap =
      there(1, hello.slice(0, 12)) + there(6, hello.slice(5)) + there(6, hello.slice(5));
    expect(told(read(overlap))).toEqual(["client CONNECT"]);
  });

  test("sequence numbers that wrap", () => {
    const text = there(0xffff_fffa, hello.slice(0, 10)) + there(4, [...hello.slice(10), ...ping]);
    expect(told(read(text))).toEqual(["client CONNECT", "client PINGREQ"]);
  });

  test("bytes that the capture lacks are named, and what is behind them is decoded", () => {
    const text = there(1, hello) + there(1 + hello.length + 70, [...ping, ...ping, ...ping]);
    const reading = read(text);
    expect(told(reading)).toEqual(["client CONNECT", ...Array(3).fill("client PINGREQ")]);
    expect(reading.sections[0]?.notes).toEqual([`70 bytes missing at offset ${hello.length}`]);
    expect(reading.streams[0]?.missing).toBe(70);
  });

  test("the same ports again are another connection", () => {
    const text = there(1, [], 2) + there(2, hello) + there(9001, [], 2) + there(9002, hello);
    expect(read(text).sections).toHaveLength(2);
  });

  test("connections that are no MQTT are named and skipped", () => {
    const tls = [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0];
    const other = tcpdumpDump(ipv4(tcpSegment({ ports: [50_000, 9000], data: [7] })));
    const secure = tcpdumpDump(ipv4(tcpSegment({ ports: [50_001, 9001], data: tls })));
    const udp = tcpdumpDump(ipv4([0, 53, 0, 53, 0, 9, 0, 0, 1], { protocol: 17 }));
    const reading = read(other + secure + udp + there(1, hello));
    expect(told(reading)).toEqual(["client CONNECT"]);
    expect(reading.sections.map(({ title }) => title)).toEqual([
      "10.0.0.1:50000 > 10.0.0.2:9000, 1 byte",
      "10.0.0.1:50001 > 10.0.0.2:9001",
      `10.0.0.1:43808 > 10.0.0.2:1883, ${hello.length} bytes`,
    ]);
    expect(reading.sections[0]?.notes).toEqual(["no MQTT in it"]);
    expect(reading.sections[1]?.notes[0]).toContain("TLS record (ClientHello)");
    expect(reading.notes).toEqual(["1 dump without TCP skipped"]);
    expect(reading.foreign).toBeNull();
  });

  test("only the server's direction: MQTT's ports say who sent it", () => {
    const reading = read(back(1, publish(4, { payload: "x" })));
    expect(told(reading)).toEqual(["server PUBLISH"]);
    // What only a client sends counts more.
    expect(told(read(back(1, hello)))).toEqual(["client CONNECT"]);
  });
});

describe("Follow > Hex Dump", () => {
  const head =
    "===\nFollow: tcp,hex\nFilter: tcp.stream eq 0\nNode 0: 10.0.0.1:43808\nNode 1: 10.0.0.2:1883\n";
  for (const [name, indent] of [
    ["Wireshark", "    "],
    ["tshark", "\t"],
  ] as const) {
    test(`${name}: both directions by the indent`, () => {
      const text =
        wiresharkDump(hello) +
        wiresharkDump(accepted, indent) +
        wiresharkDump(ping, "", hello.length) +
        wiresharkDump(pong, indent, 4);
      const wanted = ["client CONNECT", "server CONNACK", "client PINGREQ", "server PINGRESP"];
      expect(told(read(text))).toEqual(wanted);
      expect(told(read(`${head}${text}===\n`))).toEqual(wanted);
      // A block of an issue indents all lines.
      expect(told(read(text.replaceAll(/^/gm, "    ")))).toEqual(wanted);
    });
  }

  test("from the middle, the server first: the content decides who is who", () => {
    const message = publish(4, { payload: "21" });
    const text = wiresharkDump([...pong, ...message]) + wiresharkDump([...ping, ...ping], "    ");
    expect(told(read(text))).toEqual([
      "server PINGRESP",
      "server PUBLISH",
      "client PINGREQ",
      "client PINGREQ",
    ]);
  });

  test("a lone e0 00: the other direction decides the version", () => {
    const message = publish(4, { payload: "21" });
    const text = wiresharkDump([0xe0, 0]) + wiresharkDump([...message, ...message], "    ");
    const [first] = read(text).sections[0]?.packets ?? [];
    expect(first?.tree).toMatchObject({ type: "DISCONNECT", protocol: 4, from: "client" });
  });

  test("two streams in one file", () => {
    const one = wiresharkDump(hello) + wiresharkDump(accepted, "    ");
    const reading = read(`${head}${one}${head}${one}`);
    expect(reading.sections.map(({ title }) => title)).toEqual([
      `connection 1, ${hello.length} bytes and back 4 bytes`,
      `connection 2, ${hello.length} bytes and back 4 bytes`,
    ]);
  });
});

/** What tcpdump -x and Wireshark's plain text make of a capture. */
function dumpsOf(file: string): string {
  return framesOfPcap(new Uint8Array(readFileSync(file)))
    .map((frame) => tcpdumpDump(frame))
    .join("");
}

describe("captures of mosquitto", () => {
  const own = path.join(import.meta.dir, "captures");

  test("Linux cooked v2, cut at 96 bytes: the stream goes on behind each cut", () => {
    const reading = read(dumpsOf(path.join(own, "any-snap96.pcap")));
    expect(reading.streams.map(({ from, bytes, missing }) => [from, bytes, missing])).toEqual([
      ["client", 35, 0],
      ["server", 81, 190],
      ["client", 48, 111],
      ["server", 4, 0],
    ]);
    expect(told(reading)).not.toContainEqual(expect.stringContaining("!"));
    expect(told(reading).slice(-3)).toEqual(["client CONNECT", "server CONNACK", "client PUBLISH"]);
  });

  test("ten connections, a violation in one of them", () => {
    const reading = read(dumpsOf(path.join(own, "ends.pcap")));
    expect(reading.sections).toHaveLength(10);
    expect(told(reading).filter((line) => line.endsWith("!"))).toEqual(["client PUBLISH!"]);
  });

  test("each packet of keepalive.pcap has its sender", () => {
    const reading = read(dumpsOf(path.join(own, "keepalive.pcap")));
    expect(reading.sections).toHaveLength(4);
    expect(told(reading).filter((line) => line === "client PINGREQ")).toHaveLength(6);
    expect(told(reading).filter((line) => line.startsWith("null") || line.endsWith("!"))).toEqual(
      [],
    );
  });
});

/** Public captures, which are not part of the project; they may lie beside it. */
const beside = path.join(import.meta.dir, "../../../../shared/captures");
const captures = existsSync(beside)
  ? readdirSync(beside).filter((name) => name.endsWith(".pcap"))
  : [];

/** Connections with MQTT, and how many bytes they have. */
const expected: Readonly<Record<string, readonly [connections: number, bytes: number]>> = {
  "rawip-seven-connections.pcap": [7, 8868],
  "v5-disconnect-with-will-delayed.pcap": [1, 276],
  "ipv6-connect-lost-among-others.pcap": [2, 217],
  "keepalive-5-no-handshake.pcap": [2, 231],
  "midstream-fin-and-rst.pcap": [2, 1356],
};

for (const [name, [connections, bytes]] of Object.entries(expected)) {
  test.skipIf(!captures.includes(name))(`public capture ${name}`, () => {
    const reading = read(dumpsOf(path.join(beside, name)));
    expect(new Set(reading.streams.map(({ connection }) => connection)).size).toBe(connections);
    expect(reading.streams.reduce((sum, stream) => sum + stream.bytes, 0)).toBe(bytes);
    const wrong = told(reading).filter((line) => line.endsWith("!") || line.includes("bytes"));
    // Its will has Payload Format Indicator 144.
    expect(wrong).toEqual(name.startsWith("v5") ? ["client CONNECT!"] : []);
  });
}
