import { generate, parser, type Packet } from "mqtt-packet";
import type { Broker } from "../../src/core/broker.ts";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { packetTree } from "../../src/inspect/packet/packet.ts";
import { Channel } from "../../src/server/driver/channel.ts";
import type { Link, LinkEvents } from "../../src/transport/transport.ts";

/** The broker did something forbidden. */
export class Broken extends Error {
  override name = "Broken";
}

/** The most bytes that a real socket delivers at once. */
export const largestChunk = 64 * 1024;

/**
 * A connection whose client is the fuzzer. mqtt-packet and the walk of `mqttd inspect packet` both
 * decode the broker's output, and neither may find an error. Throws Broken.
 */
export class HostileLink implements Link {
  readonly isLocal = true;
  readonly descriptor = null;
  readonly remote: string;
  owner: unknown = null;
  /** How the broker ended it; null: open. */
  closedBy: "end" | "reset" | null = null;
  /** Types and reason codes of the received packets, for example `PUBACK 10`. */
  readonly came: string[] = [];
  #room = Infinity;
  #paused = false;
  /** Chunks that wait in the kernel while the broker does not read. */
  #unread: Uint8Array[] = [];
  #dropped = false;
  /** The peer's end follows the chunks that wait in the kernel. */
  #ending = false;
  #tail: Uint8Array = new Uint8Array(0);
  #unanswered: Packet[] = [];
  #connacks = 0;
  #saidGoodbye = false;
  #version: ProtocolVersion | null = null;
  readonly #events: LinkEvents;
  readonly #broker: Broker;

  constructor(remote: string, events: LinkEvents, broker: Broker) {
    this.remote = remote;
    this.#events = events;
    this.#broker = broker;
    events.opened(this);
  }

  /** The connection is over. */
  get isOver(): boolean {
    return this.#dropped || this.closedBy !== null;
  }

  get channel(): Channel {
    if (this.owner instanceof Channel) return this.owner;
    throw new Broken("a link that was opened has no channel");
  }

  // The broker's side.

  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.closedBy !== null) throw new Broken("bytes were written after the broker closed");
    if (this.#dropped) return -1;
    const taken = Math.min(this.#room, end - start);
    this.#room -= taken;
    if (taken > 0) this.#take(bytes.subarray(start, start + taken));
    return taken;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  end(gone?: () => void): void {
    if (this.#dropped) return gone?.();
    this.#close("end");
    gone?.();
  }

  reset(): void {
    if (!this.#dropped) this.#close("reset");
  }

  watch(): void {}

  // The client's side.

  send(bytes: Uint8Array): void {
    if (this.#dropped) return;
    for (let at = 0; at < bytes.length; at += largestChunk) {
      this.#unread.push(bytes.slice(at, at + largestChunk));
    }
    this.handOver();
  }

  /** Delivers waiting chunks, as long as the broker reads. */
  handOver(): void {
    while (!this.#paused && !this.#dropped) {
      const chunk = this.#unread.shift();
      if (chunk !== undefined) this.#events.data(this, chunk);
      else if (this.#ending && !this.isOver) this.#end("eof");
      else return;
    }
  }

  hold(bytes: number): void {
    this.#room = bytes;
  }

  drain(bytes: number): void {
    this.#room = bytes;
    if (!this.isOver) this.#events.drained(this);
  }

  /** A FIN follows the bytes sent before; a RST discards them. */
  drop(how: "eof" | "reset" | "timeout"): void {
    if (this.isOver) return;
    if (how === "eof") {
      this.#ending = true;
      return this.handOver();
    }
    this.#unread = [];
    this.#end(how);
  }

  /** The acknowledgements that the received packets require. */
  answer(): void {
    for (const packet of this.#unanswered.splice(0)) {
      const reply = replyTo(packet);
      if (reply === null || this.isOver) continue;
      this.send(generate(reply, { protocolVersion: this.#version ?? 4 }));
    }
  }

  #end(how: "eof" | "reset" | "timeout"): void {
    this.#dropped = true;
    this.#events.closed(this, how);
  }

  #close(how: "end" | "reset"): void {
    if (this.closedBy !== null) throw new Broken("the broker closed the connection twice");
    if (how === "end" && this.#tail.length > 0) {
      throw new Broken(`the broker closed within a packet: ${this.#tail.toHex()}`);
    }
    this.closedBy = how;
  }

  #take(bytes: Uint8Array): void {
    // Known once the broker has read the CONNECT, and it never answers earlier.
    this.#version = this.channel.reader.version;
    const whole = new Uint8Array(this.#tail.length + bytes.length);
    whole.set(this.#tail);
    whole.set(bytes, this.#tail.length);
    let at = 0;
    for (;;) {
      const rest = whole.subarray(at);
      const size = frameSize(rest);
      if (size === null || size > rest.length) break;
      this.#read(rest.slice(0, size));
      at += size;
    }
    this.#tail = whole.slice(at);
  }

  #read(frame: Uint8Array): void {
    const version = this.#version ?? 4;
    const [tree] = packetTree(frame, { protocol: version, from: "server" });
    const type = tree?.type ?? "";
    const wrong = tree?.violations[0];
    if (wrong !== undefined) {
      const { statement, detail } = wrong;
      throw new Broken(`the broker sent ${type} against ${statement}, ${detail}: ${frame.toHex()}`);
    }
    const packet = parsed(frame, version);
    this.came.push(`${type} ${reasonOf(packet)}`);
    this.#judgeOrder(type, frame);
    this.#unanswered.push(packet);
  }

  #judgeOrder(type: string, frame: Uint8Array): void {
    if (this.#saidGoodbye) throw new Broken(`${type} came after the broker's DISCONNECT`);
    if (type === "CONNACK") this.#connacks += 1;
    else if (this.#connacks === 0) throw new Broken(`${type} came before the CONNACK`);
    if (this.#connacks > 1) throw new Broken("two CONNACKs on one connection");
    this.#saidGoodbye = type === "DISCONNECT";
    const { id, open } = this.channel;
    const maximum = open
      ? (this.#broker.connections.get(id)?.maximumPacketSize ?? Infinity)
      : Infinity;
    // A client's maximum can only suppress PUBLISH; no other packet is that large here.
    if (type === "PUBLISH" && frame.length > maximum) {
      throw new Broken(`PUBLISH of ${frame.length} bytes to a client that takes ${maximum}`);
    }
  }
}

function replyTo(packet: Packet): Packet | null {
  const messageId = packet.messageId ?? 0;
  switch (packet.cmd) {
    case "publish":
      if (packet.qos === 0) return null;
      return { cmd: packet.qos === 1 ? "puback" : "pubrec", messageId };
    case "pubrec":
      return { cmd: "pubrel", messageId };
    case "pubrel":
      return { cmd: "pubcomp", messageId };
    default:
      return null;
  }
}

function reasonOf(packet: Packet): string {
  if (packet.cmd === "suback") {
    return packet.granted.map((code) => (typeof code === "number" ? hex(code) : "")).join("");
  }
  if (packet.cmd === "publish")
    return `q${packet.qos}${packet.dup ? "d" : ""}${packet.retain ? "r" : ""}`;
  if (packet.cmd === "connack") return hex(packet.reasonCode ?? packet.returnCode ?? 0);
  return "reasonCode" in packet ? hex(packet.reasonCode ?? 0) : "";
}

function hex(code: number): string {
  return code.toString(16).padStart(2, "0");
}

/** A frame decoded by mqtt-packet, which shares no code with our writer. */
function parsed(frame: Uint8Array, version: ProtocolVersion): Packet {
  const packets: Packet[] = [];
  const parse = parser({ protocolVersion: version });
  parse.on("packet", (packet) => packets.push(packet));
  parse.on("error", (error) => {
    throw new Broken(
      `mqtt-packet does not read what the broker sent, ${error.message}: ${frame.toHex()}`,
    );
  });
  parse.parse(Buffer.from(frame));
  const [packet] = packets;
  if (packet === undefined) throw new Broken(`mqtt-packet sees no packet in ${frame.toHex()}`);
  return packet;
}

/** Bytes of the first packet according to its header; null: the header is incomplete. */
export function frameSize(bytes: Uint8Array): number | null {
  let remaining = 0;
  for (let at = 1; at <= 4; at++) {
    const part = bytes[at];
    if (part === undefined) return null;
    remaining += (part & 0x7f) * 128 ** (at - 1);
    if (part < 0x80) return at + 1 + remaining;
  }
  return null;
}
