import {
  generate,
  parser,
  type IConnackPacket,
  type IConnectPacket,
  type IDisconnectPacket,
  type IPublishPacket,
  type ISubackPacket,
  type Packet,
} from "mqtt-packet";

export type ClientVersion = 3 | 4 | 5;

/** What a client learns from the broker's bytes. */
export type ClientEvent =
  | { readonly event: "connack"; readonly packet: IConnackPacket }
  /** A message that is new to the client: a QoS 2 message that is sent again comes once. */
  | { readonly event: "message"; readonly packet: IPublishPacket }
  /** PUBACK, PUBCOMP, or a PUBREC with an error: the end of what `publish` began. */
  | { readonly event: "published"; readonly packetId: number; readonly reason: number }
  | { readonly event: "suback"; readonly packet: ISubackPacket }
  | { readonly event: "unsuback"; readonly packetId: number }
  | { readonly event: "pingresp" }
  | { readonly event: "disconnect"; readonly packet: IDisconnectPacket }
  /** The broker's bytes are no MQTT; nothing that follows is read. */
  | { readonly event: "malformed"; readonly detail: string };

/** What one chunk of the broker's bytes brought, and what is to be answered. */
export interface ClientTurn {
  readonly events: readonly ClientEvent[];
  readonly answers: readonly Uint8Array[];
}

/**
 * The protocol of a client without a network and without a clock: bytes in, events and answers out.
 * It acknowledges what it gets; what is sent beyond that, its owner decides.
 */
export class ClientMachine {
  readonly version: ClientVersion;
  readonly #parser: ReturnType<typeof parser>;
  readonly #inbound = new Set<number>();
  #events: ClientEvent[] = [];
  #answers: Uint8Array[] = [];
  #nextId = 1;
  #isBroken = false;

  constructor(version: ClientVersion) {
    this.version = version;
    this.#parser = parser({ protocolVersion: version });
    this.#parser.on("packet", (packet) => this.#received(packet));
    this.#parser.on("error", (fault) => this.#broken(fault.message));
  }

  /** Takes any number of the broker's bytes. */
  receive(chunk: Uint8Array): ClientTurn {
    this.#events = [];
    this.#answers = [];
    if (!this.#isBroken) this.#parser.parse(Buffer.from(chunk));
    return { events: this.#events, answers: this.#answers };
  }

  encode(packet: Packet): Uint8Array {
    return generate(packet, { protocolVersion: this.version });
  }

  connect(options: Omit<IConnectPacket, "cmd" | "protocolId" | "protocolVersion">): Uint8Array {
    return this.encode({
      cmd: "connect",
      protocolId: this.version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: this.version,
      ...options,
    });
  }

  /** A packet id that is not in use for a while. */
  takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === 65_535 ? 1 : id + 1;
    return id;
  }

  #received(packet: Packet): void {
    switch (packet.cmd) {
      case "connack":
        return this.#tell({ event: "connack", packet });
      case "publish":
        return this.#published(packet);
      case "puback":
      case "pubcomp":
        return this.#finished(packet.messageId, packet.reasonCode);
      case "pubrec":
        if ((packet.reasonCode ?? 0) >= 0x80) {
          return this.#finished(packet.messageId, packet.reasonCode);
        }
        return this.#answer({ cmd: "pubrel", messageId: packet.messageId ?? 0 });
      case "pubrel":
        this.#inbound.delete(packet.messageId ?? 0);
        return this.#answer({ cmd: "pubcomp", messageId: packet.messageId ?? 0 });
      case "suback":
        return this.#tell({ event: "suback", packet });
      case "unsuback":
        return this.#tell({ event: "unsuback", packetId: packet.messageId ?? 0 });
      case "pingresp":
        return this.#tell({ event: "pingresp" });
      case "disconnect":
        return this.#tell({ event: "disconnect", packet });
      default:
        return this.#broken(`a broker does not send ${packet.cmd.toUpperCase()}`);
    }
  }

  #published(packet: IPublishPacket): void {
    const messageId = packet.messageId ?? 0;
    if (packet.qos === 1) this.#answer({ cmd: "puback", messageId });
    if (packet.qos === 2) {
      this.#answer({ cmd: "pubrec", messageId });
      if (this.#inbound.has(messageId)) return;
      this.#inbound.add(messageId);
    }
    this.#tell({ event: "message", packet });
  }

  #finished(packetId: number | undefined, reason: number | undefined): void {
    this.#tell({ event: "published", packetId: packetId ?? 0, reason: reason ?? 0 });
  }

  #tell(event: ClientEvent): void {
    this.#events.push(event);
  }

  #answer(packet: Packet): void {
    this.#answers.push(this.encode(packet));
  }

  #broken(detail: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#tell({ event: "malformed", detail });
  }
}
