import {
  generate,
  parser,
  type IConnackPacket,
  type IPublishPacket,
  type Packet,
} from "mqtt-packet";
import { dial } from "../../src/client/dial.ts";
import type { Wire } from "../../src/client/wire.ts";
import { localTarget } from "../support/embedded.ts";
import { within } from "../support/inbox.ts";

/** An outgoing message until its PUBACK or PUBCOMP. */
interface Outgoing {
  readonly packet: IPublishPacket;
  readonly done: () => void;
  /** PUBREC has arrived, so the client resends PUBREL. */
  released: boolean;
}

const connectMs = 60_000;

/**
 * A client whose session continues over any number of connections: it resends unacknowledged
 * messages, and reports a repeated QoS 2 message once (sections 4.3.3 and 4.4).
 */
export class SessionClient {
  readonly id: string;
  readonly version: 4 | 5;
  onMessage: (topic: string, payload: string) => void = () => {};
  /** Connections that found no session although one was required. */
  sessionsLost = 0;
  connections = 0;
  readonly #port: number;
  readonly #incoming = new Set<number>();
  readonly #outgoing = new Map<number, Outgoing>();
  #nextId = 1;
  #wire: Wire | null = null;
  #onConnack: (packet: IConnackPacket) => void = () => {};
  #onSuback: () => void = () => {};

  constructor(port: number, id: string, version: 4 | 5) {
    this.#port = port;
    this.id = id;
    this.version = version;
  }

  get isConnected(): boolean {
    return this.#wire !== null;
  }

  /** Rejects without a CONNACK in time, or on a refusal. */
  async connect(clean = false): Promise<void> {
    const answered = Promise.withResolvers<IConnackPacket>();
    this.#onConnack = answered.resolve;
    const wire = await dial(localTarget(this.#port), connectMs, () => {
      const packets = parser({ protocolVersion: this.version });
      packets.on("packet", (packet) => this.#received(packet));
      return {
        data: (chunk) => void packets.parse(Buffer.from(chunk)),
        closed: () => {
          if (this.#wire === wire) this.#wire = null;
        },
      };
    });
    this.#wire = wire;
    this.#send({
      ...{ cmd: "connect", protocolId: "MQTT", protocolVersion: this.version, clientId: this.id },
      ...{ clean, keepalive: 60, properties: { sessionExpiryInterval: clean ? 0 : 3600 } },
    });
    const connack = await within(answered.promise, () => `${this.id}: no CONNACK`, connectMs);
    if ((connack.reasonCode ?? connack.returnCode ?? 0) !== 0)
      throw new Error(`${this.id}: refused`);
    if (this.connections > 0 && !clean && !connack.sessionPresent) this.sessionsLost += 1;
    this.connections += 1;
    this.#sendAgain();
  }

  async subscribe(filter: string): Promise<void> {
    const answered = Promise.withResolvers<void>();
    this.#onSuback = answered.resolve;
    const subscription = { topic: filter, qos: 2 as const, nl: false, rap: false, rh: 0 as const };
    this.#send({ cmd: "subscribe", messageId: this.#takeId(), subscriptions: [subscription] });
    await answered.promise;
  }

  /** Resolves when the broker has accepted it, over any connection. */
  async publish(topic: string, payload: string, qos: 0 | 1 | 2): Promise<void> {
    const messageId = this.#takeId();
    const packet = { cmd: "publish", topic, payload, qos, dup: false, retain: false } as const;
    if (qos === 0) return this.#send(packet);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#outgoing.set(messageId, {
      packet: { ...packet, messageId },
      done: resolve,
      released: false,
    });
    this.#send({ ...packet, messageId });
    return promise;
  }

  ping(): void {
    this.#send({ cmd: "pingreq" });
  }

  /** The connection dies; the session stays. */
  die(how: "rst" | "fin"): void {
    const wire = this.#wire;
    this.#wire = null;
    if (how === "rst") wire?.reset();
    else wire?.end();
  }

  /** DISCONNECT. */
  leave(): void {
    this.#send({ cmd: "disconnect" });
    this.die("fin");
  }

  #sendAgain(): void {
    for (const [messageId, { packet, released }] of this.#outgoing) {
      this.#send(released ? { cmd: "pubrel", messageId } : { ...packet, dup: true });
    }
  }

  #send(packet: Packet): void {
    this.#wire?.send(generate(packet, { protocolVersion: this.version }));
  }

  #takeId(): number {
    do this.#nextId = this.#nextId === 65_535 ? 1 : this.#nextId + 1;
    while (this.#outgoing.has(this.#nextId));
    return this.#nextId;
  }

  #received(packet: Packet): void {
    const messageId = packet.messageId ?? 0;
    switch (packet.cmd) {
      case "connack":
        return this.#onConnack(packet);
      case "suback":
        return this.#onSuback();
      case "publish":
        return this.#message(packet, messageId);
      case "pubrel":
        this.#incoming.delete(messageId);
        return this.#send({ cmd: "pubcomp", messageId });
      case "puback":
      case "pubcomp":
        this.#outgoing.get(messageId)?.done();
        this.#outgoing.delete(messageId);
        return;
      case "pubrec": {
        const outgoing = this.#outgoing.get(messageId);
        if (outgoing !== undefined) outgoing.released = true;
        return this.#send({ cmd: "pubrel", messageId });
      }
      default:
        return;
    }
  }

  #message({ topic, payload, qos }: IPublishPacket, messageId: number): void {
    const isNew = qos < 2 || !this.#incoming.has(messageId);
    if (isNew) this.onMessage(topic, payload.toString());
    if (qos === 1) this.#send({ cmd: "puback", messageId });
    if (qos !== 2) return;
    this.#incoming.add(messageId);
    this.#send({ cmd: "pubrec", messageId });
  }
}
