import { expect, test } from "bun:test";
import { segmentsOf } from "../../../scripts/peers/capture.ts";
import type { Segment } from "../../../scripts/peers/measurement.ts";
import { segmentsOfScenario } from "../../../scripts/peers/tracing.ts";
import { transcriptLines } from "../../../scripts/peers/transcript.ts";

const port = 1883;
/** Keepalive 2, id `d`, will `gone` on `a/b/c`. */
const connect = "101a00044d515454040600020001640005612f622f630004676f6e65";

/** The next sequence number of each port. */
const next = new Map<number, number>();

/** A record of a pcap file: an Ethernet frame with a TCP segment over IPv4. */
function record(micros: number, from: number, to: number, flags: number, hex: string): Buffer {
  const payload = Buffer.from(hex, "hex");
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(from, 0);
  tcp.writeUInt16BE(to, 2);
  const sequence = next.get(from) ?? 0xffff_fff0;
  next.set(from, (sequence + payload.length + (flags & 1)) % 2 ** 32);
  tcp.writeUInt32BE(sequence, 4);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(ip.length + tcp.length + payload.length, 2);
  const frame = Buffer.concat([Buffer.alloc(14), ip, tcp, payload]);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(100, 0);
  head.writeUInt32LE(micros, 4);
  head.writeUInt32LE(frame.length, 8);
  head.writeUInt32LE(frame.length, 12);
  return Buffer.concat([head, frame]);
}

test("what a capture holds: packets and ends by connection, once, with what they are about", () => {
  const [ack, fin, rst, syn] = [0x10, 0x11, 0x14, 0x02];
  const begin = record(0, 5001, port, ack, "");
  const sent = record(1000, 5001, port, ack, connect);
  const file = Buffer.concat([
    Buffer.alloc(24),
    begin,
    sent,
    // Sent again by the kernel.
    sent,
    record(2000, port, 5001, ack, "20020005"),
    record(3500, 5002, port, ack, "c000"),
    record(4000, port, 5002, fin, "3105000162676f"),
    record(5000, 5001, port, rst, ""),
    // Another client gets the port of the first.
    record(6000, 5001, port, syn, ""),
    record(7000, 5001, port, ack, "c000"),
  ]);
  const segments = segmentsOf(file, port);
  expect(segments.map(({ at, connection, from, end }) => [at, connection, from, end])).toEqual([
    [1, 1, "client", undefined],
    [2, 1, "broker", undefined],
    [3.5, 2, "client", undefined],
    [4, 2, "broker", undefined],
    [4, 2, "broker", "FIN"],
    [5, 1, "client", "RST"],
    [7, 3, "client", undefined],
  ]);
  const trace = {
    id: "rst",
    protocol: "3.1.1" as const,
    date: "2026-11-29",
    mqttd: "0.1.0",
    verdict: "pass",
    segments,
  };
  expect(transcriptLines(trace).join("\n")).toMatchInlineSnapshot(`
    "   0.001 s  1 -> 10 1a 00 04 4d 51 54 54 04 06 00 02 00 01 64 00 05 61 2f 62 2f 63 00 04 ... (28 bytes)  CONNECT, clean session, keepalive 2, id d, will topic a/b/c, will 'gone'
       0.002 s  1 <- 20 02 00 05  CONNACK, code 0x05
       0.004 s  2 -> c0 00  PINGREQ
       0.004 s  2 <- 31 05 00 01 62 67 6f  PUBLISH, retain, topic b, payload 'go'
       0.004 s  2 <- FIN
       0.005 s  1 -> RST
       0.007 s  3 -> c0 00  PINGREQ"
  `);
});

test("of a run of all scenarios: the connections whose client ids name one, from its first segment on", () => {
  const named = (connection: number, at: number, id: string): Segment => {
    const bytes = Buffer.from(`CONNECT mqttd-drop-12345678-${id}-v4-watch`).toString("hex");
    return { at, connection, from: "client", bytes };
  };
  const segments: Segment[] = [
    named(1, 0, "retain"),
    named(2, 4.25, "retain-clear"),
    named(3, 5, "retain-clear"),
    named(4, 5, "not-retain-clear"),
    { at: 6, connection: 1, from: "broker", bytes: "20020000" },
    { at: 7.5, connection: 3, from: "broker", end: "FIN" },
    // Its topics name the scenario too, and are those of another one's connection.
    named(1, 8, "retain-clear"),
  ];
  expect(
    segmentsOfScenario(segments, "retain-clear").map(({ at, connection }) => [at, connection]),
  ).toEqual([
    [0, 1],
    [0.8, 2],
    [3.3, 2],
  ]);
  expect(segmentsOfScenario(segments, "retain")).toHaveLength(3);
});

test("a character that controls a terminal is shown by its code", () => {
  const bytes = "3006000361006278";
  const segments: Segment[] = [{ at: 0, connection: 1, from: "broker", bytes }];
  const shared = { id: "invalid-will", date: "2026-11-29", mqttd: "0.1.0", verdict: "pass" };
  const lines = transcriptLines({ ...shared, protocol: "3.1.1", segments });
  expect(lines).toEqual([
    "   0.000 s  1 <- 30 06 00 03 61 00 62 78  PUBLISH, topic a\\u0000b, payload 'x'",
  ]);
});
