import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Segment } from "./measurement.ts";

/** The longest start of tcpdump. */
const readyBoundMs = 10_000;
/** tcpdump's buffer: it loses segments that do not fit. */
const bufferKib = "65536";
/** The time for tcpdump to write the last segments. */
const settleMs = 500;

/**
 * Captures the segments to and from a port of 127.0.0.1 while `during` runs, with tcpdump (Linux, root).
 * Rejects if tcpdump is missing, lacks permission or has lost segments.
 */
export async function capture(port: number, during: () => Promise<void>): Promise<Segment[]> {
  const folder = mkdtempSync(join(tmpdir(), "mqttd-capture-"));
  using cleared = new DisposableStack();
  cleared.defer(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "lo.pcap");
  const flags = `-i lo -n -U --immediate-mode -B ${bufferKib} -Z root`.split(" ");
  const child = spawn("tcpdump", [...flags, "-w", file, `tcp port ${port}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const gone = once(child, "close");
  try {
    await Promise.race([untilReady(() => said), gone]);
    if (!isReady(said)) throw new Error(`tcpdump: ${said.trim()}`);
    await during();
    await Bun.sleep(settleMs);
  } finally {
    child.kill("SIGINT");
    await gone;
  }
  if (!/^0 packets dropped/m.test(said))
    throw new Error(`tcpdump has lost packets: ${said.trim()}`);
  return segmentsOf(readFileSync(file), port);
}

function isReady(said: string): boolean {
  return said.includes("listening on");
}

async function untilReady(said: () => string): Promise<void> {
  const until = performance.now() + readyBoundMs;
  while (!isReady(said()) && performance.now() < until) await Bun.sleep(20);
}

const fileHeader = 24;
const recordHeader = 16;
/** Size of an Ethernet header, which Linux adds on lo too. */
const linkHeader = 14;

/** The segments of a pcap file (microseconds, little endian) of a Linux loopback interface. */
export function segmentsOf(file: Buffer, port: number): Segment[] {
  const segments: Segment[] = [];
  const connections = new Map<number, number>();
  let opened = 0;
  /** The sequence number behind the last byte, or end, of each direction. */
  const ahead = new Map<string, number>();
  let first: number | null = null;
  for (let at = fileHeader; at + recordHeader <= file.length;) {
    const seconds = file.readUInt32LE(at);
    const moment = seconds * 1000 + file.readUInt32LE(at + 4) / 1000;
    const length = file.readUInt32LE(at + 8);
    const ip = file.subarray(at + recordHeader + linkHeader, at + recordHeader + length);
    at += recordHeader + length;
    const read = tcpOf(ip, port);
    if (read === null) continue;
    first ??= moment;
    // A port that a client had before.
    if (read.isOpening) connections.delete(read.clientPort);
    const connection = connections.get(read.clientPort) ?? ++opened;
    connections.set(read.clientPort, connection);
    const way = `${connection} ${read.from}`;
    const isNew = isAhead(read.next, ahead.get(way));
    // A retransmission, because the machine was slow to acknowledge.
    if (!isNew && read.end !== "RST") continue;
    if (isNew) ahead.set(way, read.next);
    const common = { at: Math.round((moment - first) * 10) / 10, connection, from: read.from };
    if (read.payload.length > 0) segments.push({ ...common, bytes: read.payload.toString("hex") });
    if (read.end !== null) segments.push({ ...common, end: read.end });
  }
  return segments;
}

/** Sequence numbers wrap at 2^32. */
function isAhead(next: number, known: number | undefined): boolean {
  return known === undefined || (next - known) << 0 > 0;
}

function tcpOf(ip: Buffer, port: number) {
  const isIpv4 = ip.length >= 20 && (ip[0] ?? 0) >> 4 === 4;
  if (!isIpv4) return null;
  const tcp = ip.subarray(((ip[0] ?? 0) & 15) * 4, ip.readUInt16BE(2));
  const flags = tcp[13] ?? 0;
  const source = tcp.readUInt16BE(0);
  const isClient = source !== port;
  const payload = tcp.subarray(((tcp[12] ?? 0) >> 4) * 4);
  const isFin = (flags & 1) !== 0;
  return {
    next: (tcp.readUInt32BE(4) + payload.length + (isFin ? 1 : 0)) >>> 0,
    from: isClient ? ("client" as const) : ("broker" as const),
    clientPort: isClient ? source : tcp.readUInt16BE(2),
    /** A SYN without ACK. */
    isOpening: (flags & 0x12) === 2,
    payload,
    end: (flags & 4) !== 0 ? ("RST" as const) : isFin ? ("FIN" as const) : null,
  };
}
