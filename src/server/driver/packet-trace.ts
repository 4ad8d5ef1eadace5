import type { Delivery, Millis } from "../../core/io.ts";
import type { ClientPacket, Message, ProtocolVersion, ServerPacket } from "../../core/packet.ts";
import type { Peer } from "../../core/events.ts";
import type { EventLog } from "./driver.ts";
import type { Channel } from "./channel.ts";

/** Logs every packet at level debug. The caller checks `isOn` first: this is the hot path. */
export class PacketTrace {
  isOn: boolean;
  readonly #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
    this.isOn = log.logs("debug");
  }

  packet(
    channel: Channel,
    direction: "received" | "sent",
    packet: ClientPacket | ServerPacket,
    now: Millis,
  ): void {
    this.#log.note({ event: "packet", ...facts(channel), direction, packet }, now);
  }

  delivery(
    channel: Channel,
    message: Message,
    { qos, retain, dup, strip }: Delivery,
    packetId: number,
    now: Millis,
  ): void {
    const topic = message.topic.slice(strip);
    const { payload } = message;
    const packet = { type: "publish", topic, qos, retain, dup, packetId, payload } as const;
    this.#log.note({ event: "packet", ...facts(channel), direction: "sent", packet }, now);
  }
}

function facts({ clientId, link, reader }: Channel): { peer: Peer; version: ProtocolVersion } {
  // The reader knows the version from the CONNECT on, and nothing is logged before that.
  return { peer: { clientId, remote: link.remote }, version: reader.version ?? 4 };
}
