import { parser, type Packet } from "mqtt-packet";
import { Disagreement } from "./disagreement.ts";

/** One packet of the broker: its bytes, and what mqtt-packet makes of them. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly packet: Packet;
  /** Where the body begins, behind the Remaining Length. */
  readonly body: number;
}

/** Cuts the broker's bytes into packets. */
export class Frames {
  #rest: Uint8Array = new Uint8Array(0);

  /** The packets that are whole now. Throws Disagreement for what is none. */
  feed(chunk: Uint8Array, version: 4 | 5): Frame[] {
    const bytes = new Uint8Array(this.#rest.length + chunk.length);
    bytes.set(this.#rest);
    bytes.set(chunk, this.#rest.length);
    const frames: Frame[] = [];
    let start = 0;
    for (;;) {
      const header = headerAt(bytes, start);
      if (header === null || header.end > bytes.length) break;
      frames.push(frameOf(bytes.slice(start, header.end), header.body - start, version));
      start = header.end;
    }
    this.#rest = bytes.slice(start);
    return frames;
  }
}

/** Where the body of the packet at `start` begins and ends; null: the header is not whole yet. */
function headerAt(bytes: Uint8Array, start: number): { body: number; end: number } | null {
  let length = 0;
  for (let at = start + 1, shift = 0; at < bytes.length; at++, shift += 7) {
    const part = bytes[at] ?? 0;
    length += (part & 0x7f) * 2 ** shift;
    if (part < 0x80) return { body: at + 1, end: at + 1 + length };
    if (shift === 21) throw new Disagreement("a packet", "a Remaining Length of over four bytes");
  }
  return null;
}

function frameOf(bytes: Uint8Array, body: number, version: 4 | 5): Frame {
  // Who speaks no 5.0 refuses it in the form that it knows, of two bytes.
  const isOldConnack = (bytes[0] ?? 0) >> 4 === 2 && bytes.length - body === 2;
  const decoder = parser({ protocolVersion: isOldConnack ? 4 : version });
  let packet: Packet | null = null;
  let why = "";
  decoder.on("packet", (decoded) => (packet ??= decoded));
  decoder.on("error", (error) => (why = error.message));
  decoder.parse(Buffer.from(bytes));
  if (packet === null) {
    throw new Disagreement(
      "a packet",
      `${why || "no packet"}: ${Buffer.from(bytes).toString("hex")}`,
    );
  }
  return { bytes, packet, body };
}

/** The reason code or return code of a packet; 0 where it has none. */
export function codeOf(packet: Packet): number {
  const code = "reasonCode" in packet ? packet.reasonCode : undefined;
  const returned = "returnCode" in packet ? packet.returnCode : undefined;
  return code ?? returned ?? 0;
}

/** A packet in a few words, for what is said about a disagreement. */
export function describe({ packet, bytes }: Frame): string {
  const name = packet.cmd.toUpperCase();
  if (packet.cmd === "publish") {
    const { topic, payload, qos, retain, dup, messageId } = packet;
    const marks = `${dup ? " DUP" : ""}${retain ? " RETAIN" : ""}${qos > 0 ? ` id ${messageId}` : ""}`;
    return `${name} QoS ${qos}${marks} ${short(topic)}=${short(payload.toString())}`;
  }
  const code = codeOf(packet);
  const id = packet.messageId === undefined ? "" : ` id ${packet.messageId}`;
  return `${name}${id}${code === 0 ? "" : ` ${hex(code)}`} (${bytes.length} B)`;
}

export function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, "0").toUpperCase()}`;
}

function short(value: string): string {
  return value.length > 60 ? `${value.slice(0, 57)}...` : value;
}
