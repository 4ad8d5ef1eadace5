import type { Packet } from "mqtt-packet";
import type { Limits } from "../../src/core/limits.ts";
import type { ClientMachine } from "../../src/client/machine.ts";
import { payloadOf } from "./ask.ts";
import type { Connection, Item } from "./connection.ts";
import type { WorldDice } from "./world-dice.ts";

/** A program's output on one connection: whole packets, parts of them, and many at once. */
export class Voice {
  readonly connection: Connection;
  readonly #machine: ClientMachine;
  readonly #dice: WorldDice;
  /** The rest of a packet of which a part was sent. */
  #rest: Uint8Array | null = null;

  constructor(connection: Connection, machine: ClientMachine, dice: WorldDice) {
    this.connection = connection;
    this.#machine = machine;
    this.#dice = dice;
  }

  get hasBegun(): boolean {
    return this.#rest !== null;
  }

  encode(packet: Packet): Uint8Array {
    return this.#machine.encode(packet);
  }

  send(packet: Packet): void {
    const packetId = "messageId" in packet ? (packet.messageId ?? 0) : 0;
    const topic = packet.cmd === "publish" ? packet.topic : null;
    const contentType = packet.cmd === "publish" ? (packet.properties?.contentType ?? null) : null;
    const bytes = this.#machine.encode(packet);
    this.sendBytes(bytes, {
      type: packet.cmd,
      packetId,
      topic,
      contentType,
      causes: this.#fits(bytes) ? null : ["packetTooLarge"],
    });
  }

  sendBytes(bytes: Uint8Array, item: Partial<Item>): void {
    this.flush();
    this.#enter(bytes.length, item);
    this.connection.link.send(bytes);
  }

  /** Part of a PUBLISH; the rest follows later, or never. */
  begin(topic: string, key: number, most: number): void {
    const payload = payloadOf(key, this.#dice.below(4000));
    const publish = { cmd: "publish", topic, payload, qos: 0, retain: false, dup: false } as const;
    const bytes = this.#machine.encode(publish);
    if (this.#rest !== null || bytes.length > most || !this.#fits(bytes)) return;
    const isEarly = this.#dice.happens(0.7);
    const cut = this.#dice.between(1, isEarly ? Math.min(30, bytes.length - 1) : bytes.length - 1);
    this.#enter(bytes.length, { type: "publish", topic });
    this.#rest = bytes.subarray(cut);
    this.connection.link.send(bytes.subarray(0, cut));
  }

  /** One byte of the started packet, or all of the rest. */
  drip(): void {
    const rest = this.#rest;
    if (rest === null || rest.length < 2 || this.#dice.happens(0.1)) return this.flush();
    this.connection.link.send(rest.subarray(0, 1));
    this.#rest = rest.subarray(1);
  }

  flush(): void {
    const rest = this.#rest;
    this.#rest = null;
    if (rest !== null) this.connection.link.send(rest);
  }

  /** More packets at once than the driver reads in one turn. */
  flood(topic: string, takeKey: () => number): void {
    this.flush();
    const packets: Uint8Array[] = [];
    for (let left = this.#dice.between(60, 200); left > 0; left--) {
      const isPing = this.#dice.happens(0.8);
      const payload = isPing ? "" : payloadOf(takeKey(), 0);
      const packet: Packet = isPing
        ? { cmd: "pingreq" }
        : { cmd: "publish", topic, payload, qos: 0, retain: false, dup: false };
      const bytes = this.#machine.encode(packet);
      packets.push(bytes);
      this.#enter(bytes.length, {
        type: packet.cmd,
        topic: isPing ? null : topic,
        causes: this.#fits(bytes) ? null : ["packetTooLarge"],
      });
    }
    this.connection.link.send(Buffer.concat(packets));
  }

  #fits(bytes: Uint8Array): boolean {
    return bytes.length <= largest(this.connection.limits, bytes);
  }

  #enter(bytes: number, item: Partial<Item>): void {
    const { connection } = this;
    connection.sentBytes += bytes;
    connection.items.push({
      type: "",
      packetId: 0,
      topic: null,
      contentType: null,
      ask: null,
      causes: null,
      ...item,
      end: connection.sentBytes,
    });
  }
}

/** Bytes that a packet of its type may have. */
export function largest(
  { packetSize, controlPacketSize, connectSize }: Limits,
  [first = 0]: Uint8Array,
): number {
  const type = first >> 4;
  if (type === 3) return packetSize;
  return Math.min(type === 1 ? connectSize : Infinity, controlPacketSize, packetSize);
}
