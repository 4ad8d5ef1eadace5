import { parser, type Packet } from "mqtt-packet";
import { Disagreement } from "./disagreement.ts";

/** One packet of the broker: its bytes, and how mqtt-packet decodes them. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly packet: Packet;
  /** The start of the body, behind the Remaining Length. */
  readonly body: number;
}

/** Cuts the broker's bytes into packets. */
export class Frames {
  #rest: Uint8Array = new Uint8Array(0);

  /** The packets that are complete now. Throws Disagreement for bytes that are no packet. */
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

/** The bounds of the body of the packet at `start`; null: the header is incomplete. */
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
  // A broker without 5.0 refuses it in the form of its own version, two bytes.
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

/** A packet's reason code or return code; 0 where it has none. */
export function codeOf(packet: Packet): number {
  const code = "reasonCode" in packet ? packet.reasonCode : undefined;
  const returned = "returnCode" in packet ? packet.returnCode : undefined;
  return code ?? returned ?? 0;
}

/** A packet in a few words, for the text of a disagreement. */
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
