import { expect, test } from "bun:test";
import { headersOf } from "../../../src/inspect/packet/headers.ts";
import { packetSource, type Taken } from "../../../src/inspect/packet/source.ts";
import { ipv4, ipv6, type Octets, tcpdumpDump, tcpSegment, wiresharkDump } from "./network.ts";

const ping: Octets = [0xc0, 0];
const segment = tcpSegment({ data: ping });
const four = ipv4(segment);
const six = ipv6(segment);
const macs = Array<number>(12).fill(2);

/** Each link's header, what comes behind it, and how many bytes are before the data. */
const links: readonly (readonly [name: string, bytes: Octets, headerBytes: number])[] = [
  ["raw IPv4", four, 40],
  ["raw IPv6", six, 60],
  ["Ethernet", [...macs, 0x08, 0, ...four], 54],
  ["Ethernet with padding", [...macs, 0x08, 0, ...four, 0, 0, 0, 0], 54],
  ["Ethernet and IPv6", [...macs, 0x86, 0xdd, ...six], 74],
  ["802.1Q", [...macs, 0x81, 0, 0, 5, 0x08, 0, ...four], 58],
  ["802.1Q twice", [...macs, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 0x86, 0xdd, ...six], 82],
  ["NULL, little endian", [2, 0, 0, 0, ...four], 44],
  ["Loopback, big endian", [0, 0, 0, 2, ...four], 44],
  ...[24, 28, 30].flatMap(
    (family) =>
      [
        [`NULL, IPv6 family ${family}`, [family, 0, 0, 0, ...six], 64],
        [`Loopback, IPv6 family ${family}`, [0, 0, 0, family, ...six], 64],
      ] as const,
  ),
  ["Linux cooked v1", [0, 4, 0, 1, 0, 6, ...Array<number>(8).fill(0), 8, 0, ...four], 56],
  [
    "Linux cooked v1, loopback",
    [0, 0, 3, 4, 0, 6, ...Array<number>(8).fill(0), 0x86, 0xdd, ...six],
    76,
  ],
  [
    "Linux cooked v2",
    [8, 0, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, ...Array<number>(8).fill(0), ...four],
    60,
  ],
  [
    "Linux cooked v2 and IPv6",
    [0x86, 0xdd, 0, 0, 0, 0, 0, 1, 3, 4, 0, 6, ...Array<number>(8).fill(0), ...six],
    80,
  ],
  ["PPPoE", [...macs, 0x88, 0x64, 0x11, 0, 0, 1, 0, 44, 0, 0x21, ...four], 62],
  ["PPPoE and IPv6", [...macs, 0x88, 0x64, 0x11, 0, 0, 1, 0, 64, 0, 0x57, ...six], 82],
  [
    "PPPoE in 802.1Q",
    [...macs, 0x81, 0, 0, 7, 0x88, 0x64, 0x11, 0, 0, 1, 0, 44, 0, 0x21, ...four],
    66,
  ],
  ["PPP", [0xff, 3, 0, 0x21, ...four], 44],
  ["MPLS", [...macs, 0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64, ...four], 62],
  [
    "IPv6 with extensions",
    ipv6([60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0, ...segment], 0),
    76,
  ],
];

for (const [name, bytes, headerBytes] of links) {
  test(`${name}: its headers are skipped`, () => {
    const found = headersOf(Uint8Array.from(bytes), true);
    expect(found).toMatchObject({ type: "segment", headerBytes, length: 2, targetPort: 1883 });
    expect(found?.type === "segment" ? [...found.data] : []).toEqual([...ping]);
    // As a dump, as digits, and as raw bytes: the same.
    const hex = Buffer.from(bytes).toString("hex");
    for (const content of [wiresharkDump(bytes), tcpdumpDump(bytes), hex, Uint8Array.from(bytes)]) {
      const raw = typeof content === "string" ? new TextEncoder().encode(content) : content;
      expect(packetSource(raw)).toMatchObject({ type: "packets", headerBytes });
    }
  });
}

function read(text: string): Taken {
  return packetSource(new TextEncoder().encode(text));
}

test("where no header fits, the source says so", () => {
  const notes = ["no Ethernet, IP or TCP header recognized, so read from the first byte"];
  expect(read(tcpdumpDump(ping))).toMatchObject({ headerBytes: 0, notes });
  expect(read(wiresharkDump(ping))).toMatchObject({ headerBytes: 0, notes });
  // Other tools do not dump packets of a network.
  expect(read("00000000: c000  ..\n")).toMatchObject({ headerBytes: 0, notes: [] });
});

test("a packet without TCP, or without data, is named", () => {
  const udp = ipv4([0, 53, 0, 53, 0, 10, 0, 0, 1, 2], { protocol: 17 });
  expect(read(tcpdumpDump(udp))).toMatchObject({ type: "foreign", what: "UDP" });
  expect(read(tcpdumpDump(ipv6([1, 2, 3, 4, 5, 6, 7, 8], 58)))).toMatchObject({ what: "ICMPv6" });
  const ack = ipv4(tcpSegment({ flags: 0x10 }));
  expect(read(tcpdumpDump(ack))).toMatchObject({ type: "foreign", what: "TCP without data" });
});

test("a packet that the capture cut off: what is there", () => {
  const frame = [...macs, 8, 0, ...ipv4(tcpSegment({ data: Array<number>(100).fill(7) }))];
  const found = headersOf(Uint8Array.from(frame.slice(0, 96)), true);
  expect(found).toMatchObject({ type: "segment", length: 100, headerBytes: 54 });
  expect(found?.type === "segment" ? found.data.length : 0).toBe(42);
});

test("packets of MQTT that look like IPv6 are not", () => {
  // PUBREL begins like version 6; the identifier stands where IPv6 says TCP.
  const rels = Array.from({ length: 40 }, (_, at) => [0x62, 2, 6, at]).flat();
  expect(headersOf(Uint8Array.from(rels), false)).toBeNull();
  expect(packetSource(Uint8Array.from(rels))).toMatchObject({ headerBytes: 0 });
});

test("no bytes make it fail", () => {
  for (const [, bytes] of links) {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => headersOf(Uint8Array.from(bytes.slice(0, length)), true)).not.toThrow();
    }
  }
});
