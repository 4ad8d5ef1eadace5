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
import { size } from "../log/size.ts";
import { Frames, TooLarge } from "./frames.ts";
import { userPropertiesIn } from "./user-properties.ts";

export type ClientVersion = 3 | 4 | 5;

/** Events that the client reads from the broker's bytes. */
export type ClientEvent =
  | { readonly event: "connack"; readonly packet: IConnackPacket }
  /** A message that is new to the client: a resent QoS 2 message appears once. */
  | { readonly event: "message"; readonly packet: ReceivedPublish }
  /** PUBREC without an error: the broker has the message; PUBREL answers it. */
  | { readonly event: "pubrec"; readonly packetId: number }
  /** PUBACK, PUBCOMP, or a PUBREC with an error: the PUBLISH is finished. */
  | { readonly event: "published"; readonly packetId: number; readonly reason: number }
  | { readonly event: "suback"; readonly packet: ISubackPacket }
  | { readonly event: "unsuback"; readonly packetId: number }
  | { readonly event: "pingresp" }
  | { readonly event: "disconnect"; readonly packet: IDisconnectPacket }
  /** The broker's bytes are not MQTT, or too many. The client reads no further. */
  | { readonly event: "malformed"; readonly detail: string };

/** A PUBLISH of the broker. */
export interface ReceivedPublish extends IPublishPacket {
  /** Of MQTT 5, in their order, which `properties` does not keep. */
  readonly userProperties: readonly (readonly [key: string, value: string])[];
}

/** The events in one chunk of the broker's bytes, and the packets to answer with. */
export interface ClientTurn {
  readonly events: readonly ClientEvent[];
  readonly answers: readonly Uint8Array[];
}

/** Limits on what a broker, which may be any program, can send. */
export interface MachineLimits {
  /** Bytes of one packet, as its header announces. */
  readonly packetBytes: number;
  /** Packets beyond one for each packet sent. */
  readonly packets: number;
}

/**
 * A client's protocol without network or clock: bytes in, events and answers out. It acknowledges
 * what it receives; its owner decides what else to send.
 */
export class ClientMachine {
  /** Sees each packet, before it is sent or after it was read. */
  onPacket: (direction: "sent" | "received", packet: Packet) => void = () => {};
  readonly version: ClientVersion;
  readonly #frames: Frames;
  readonly #unsolicitedMax: number;
  #unsolicited = 0;
  readonly #inbound: Set<number>;
  #events: ClientEvent[] = [];
  #answers: Uint8Array[] = [];
  #nextId = 1;
  /** Topic Alias Maximum in CONNECT, and the topics that the broker has given aliases. */
  #aliasMax = 0;
  readonly #aliases = new Map<number, string>();
  #isBroken = false;

  /**
   * `inbound`: packet ids of reported QoS 2 messages that still wait for PUBREL. A client that
   * resumes its session passes the set of its previous connection.
   */
  constructor(
    version: ClientVersion,
    inbound: Set<number> = new Set(),
    limits: MachineLimits = { packetBytes: Infinity, packets: Infinity },
  ) {
    this.#frames = new Frames(limits.packetBytes);
    this.#unsolicitedMax = limits.packets;
    this.version = version;
    this.#inbound = inbound;
  }

  /** Reads any bytes from any broker; bad bytes produce a `malformed` event. */
  receive(chunk: Uint8Array): ClientTurn {
    this.#events = [];
    this.#answers = [];
    if (!this.#isBroken) this.#frames.feed(chunk);
    while (!this.#isBroken) {
      const frame = this.#frames.next();
      if (frame === null) break;
      if (frame === "endless") this.#fail("Remaining Length takes more than four bytes");
      else if (frame instanceof TooLarge) this.#fail(tooLargeText(frame));
      else if (++this.#unsolicited > this.#unsolicitedMax) {
        this.#fail(`${this.#unsolicited} unsolicited packets`);
      } else this.#read(frame);
    }
    return { events: this.#events, answers: this.#answers };
  }

  /** Call after sending a packet: the broker may answer it. */
  expectReply(): void {
    this.#unsolicited = Math.max(0, this.#unsolicited - 1);
  }

  /** Stops counting the packets received so far as unsolicited. */
  resetUnsolicited(): void {
    this.#unsolicited = 0;
  }

  encode(packet: Packet): Uint8Array {
    this.onPacket("sent", packet);
    return generate(packet, { protocolVersion: this.version });
  }

  connect(options: Omit<IConnectPacket, "cmd" | "protocolId" | "protocolVersion">): Uint8Array {
    this.#aliasMax = options.properties?.topicAliasMaximum ?? 0;
    return this.encode({
      cmd: "connect",
      protocolId: this.version === 3 ? "MQIsdp" : "MQTT",
      protocolVersion: this.version,
      ...options,
    });
  }

  /** The next packet id; ids repeat after 65,535 calls. */
  takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === 65_535 ? 1 : id + 1;
    return id;
  }

  #read(frame: Uint8Array): void {
    const packet = decoded(frame, this.version);
    if (typeof packet === "string") this.#fail(packet);
    else if (hasPacketId(packet) && !isPacketId(packet.messageId)) {
      this.#fail(`${packet.cmd.toUpperCase()} without a Packet Identifier`);
    } else this.#received(packet, frame);
  }

  #received(packet: Packet, frame: Uint8Array): void {
    this.onPacket("received", packet);
    switch (packet.cmd) {
      case "connack":
        return this.#emit({ event: "connack", packet });
      case "publish":
        return this.#published(packet, frame);
      case "puback":
      case "pubcomp":
        return this.#finished(packet.messageId, packet.reasonCode);
      case "pubrec":
        if ((packet.reasonCode ?? 0) >= 0x80) {
          return this.#finished(packet.messageId, packet.reasonCode);
        }
        this.#emit({ event: "pubrec", packetId: packet.messageId ?? 0 });
        return this.#answer({ cmd: "pubrel", messageId: packet.messageId ?? 0 });
      case "pubrel":
        this.#inbound.delete(packet.messageId ?? 0);
        return this.#answer({ cmd: "pubcomp", messageId: packet.messageId ?? 0 });
      case "suback":
        return this.#emit({ event: "suback", packet });
      case "unsuback":
        return this.#emit({ event: "unsuback", packetId: packet.messageId ?? 0 });
      case "pingresp":
        return this.#emit({ event: "pingresp" });
      case "disconnect":
        return this.#emit({ event: "disconnect", packet });
      default:
        return this.#fail(`a broker does not send ${packet.cmd.toUpperCase()}`);
    }
  }

  #published(received: IPublishPacket, frame: Uint8Array): void {
    const packet = this.#aliasMax === 0 ? received : this.#named(received);
    if (packet === null) return;
    const userProperties = this.version < 5 ? [] : userPropertiesIn(frame);
    if (userProperties === null) return this.#fail("PUBLISH with properties of another length");
    const messageId = packet.messageId ?? 0;
    if (packet.qos === 1) this.#answer({ cmd: "puback", messageId });
    if (packet.qos === 2) {
      this.#answer({ cmd: "pubrec", messageId });
      if (this.#inbound.has(messageId)) return;
      this.#inbound.add(messageId);
    }
    this.#emit({ event: "message", packet: { ...packet, userProperties } });
  }

  /** The packet with the topic that its alias stands for; null: it stands for none. */
  #named(packet: IPublishPacket): IPublishPacket | null {
    const alias = packet.properties?.topicAlias;
    if (alias === undefined) return packet;
    if (alias < 1 || alias > this.#aliasMax) {
      this.#fail(`Topic Alias ${alias}, and the client's maximum is ${this.#aliasMax}`);
      return null;
    }
    if (packet.topic !== "") {
      this.#aliases.set(alias, packet.topic);
      return packet;
    }
    const topic = this.#aliases.get(alias);
    if (topic !== undefined) return { ...packet, topic };
    this.#fail(`Topic Alias ${alias}, which stands for no topic yet`);
    return null;
  }

  #finished(packetId: number | undefined, reason: number | undefined): void {
    this.#emit({ event: "published", packetId: packetId ?? 0, reason: reason ?? 0 });
  }

  #emit(event: ClientEvent): void {
    this.#events.push(event);
  }

  #answer(packet: Packet): void {
    this.#answers.push(this.encode(packet));
  }

  #fail(detail: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#frames.forget();
    this.#emit({ event: "malformed", detail });
  }
}

function tooLargeText({ announced, most }: TooLarge): string {
  return `it announced a packet of ${size(announced)}, and the limit is ${size(most)}`;
}

/**
 * The packet in a frame, or what is wrong with it. mqtt-packet is lenient, reads past the end of
 * its input, and throws on some input that it can't read.
 */
function decoded(frame: Uint8Array, version: ClientVersion): Packet | string {
  let packet: Packet | null = null;
  let wrong = "not a packet";
  const parse = parser({ protocolVersion: version });
  parse.on("packet", (read) => (packet ??= read));
  parse.on("error", (error) => (wrong = error.message));
  try {
    parse.parse(Buffer.from(frame));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return packet ?? wrong;
}

/** Whether a packet has a Packet Identifier, which is never 0 [v4-2.3.1-1] [v5-2.2.1-3]. */
function hasPacketId(packet: Packet): boolean {
  switch (packet.cmd) {
    case "publish":
      return packet.qos > 0;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
    case "suback":
    case "unsuback":
      return true;
    default:
      return false;
  }
}

function isPacketId(id: number | undefined): boolean {
  return id !== undefined && id >= 1 && id <= 65_535;
}
