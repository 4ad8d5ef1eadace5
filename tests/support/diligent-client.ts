import type { IConnackPacket, Packet } from "mqtt-packet";
import type { ConnectOptions, TestClient } from "./client.ts";
import type { World } from "./world.ts";

interface Sent {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 1 | 2;
  isReceived: boolean;
}

/**
 * A client as the standard wants it: what is not acknowledged it sends again on its next connection,
 * and of a QoS 2 message that comes again it hears the first only. It acts on what it got when the
 * test says so.
 */
export class DiligentClient {
  readonly #options: ConnectOptions;
  #client: TestClient | null = null;
  /** What it sent and no acknowledgement completed, by packet id. */
  readonly #sent = new Map<number, Sent>();
  /** QoS 2 messages that it got, and no PUBREL for. */
  readonly #got = new Set<number>();
  /** Payloads that it got, and those whose acknowledgement completed. */
  readonly heard: string[] = [];
  readonly acknowledged: string[] = [];
  /** Its CONNACK arrived on this connection. */
  isConnected = false;

  constructor(options: ConnectOptions) {
    this.#options = options;
  }

  connect(world: World, more: Partial<ConnectOptions> = {}): void {
    this.isConnected = false;
    this.#client = world.open();
    const connack = this.#client.connect({ ...this.#options, ...more });
    if (connack !== undefined) this.#accepted(connack);
  }

  /** Without a DISCONNECT. */
  drop(): void {
    this.#client?.drop();
    this.forget();
  }

  /** The broker is gone. */
  forget(): void {
    this.#client = null;
    this.isConnected = false;
  }

  get isOpen(): boolean {
    return this.#client !== null && this.#client.closedBy === null;
  }

  subscribe(topic: string, qos: 0 | 1 | 2): void {
    this.#client?.send({
      cmd: "subscribe",
      messageId: this.#nextId(),
      subscriptions: [{ topic, qos }],
    });
  }

  publish(topic: string, payload: string, qos: 1 | 2): void {
    if (!this.isConnected) return;
    const messageId = this.#nextId();
    const sent = { topic, payload, qos, isReceived: false };
    this.#sent.set(messageId, sent);
    this.#send(messageId, sent, false);
  }

  /** Reads and answers what has arrived. */
  act(): void {
    const packets = this.#client?.received.splice(0) ?? [];
    for (const packet of packets) this.#received(packet);
  }

  get owes(): number {
    return this.#sent.size;
  }

  #received(packet: Packet): void {
    switch (packet.cmd) {
      case "connack":
        return this.#accepted(packet);
      case "publish":
        return this.#message(packet.qos, packet.messageId ?? 0, packet.payload.toString());
      case "pubrel":
        this.#got.delete(packet.messageId ?? 0);
        return this.#client?.send({ cmd: "pubcomp", messageId: packet.messageId ?? 0 });
      case "pubrec": {
        const sent = this.#sent.get(packet.messageId ?? 0);
        if (sent !== undefined) sent.isReceived = true;
        return this.#client?.send({ cmd: "pubrel", messageId: packet.messageId ?? 0 });
      }
      case "puback":
      case "pubcomp": {
        const sent = this.#sent.get(packet.messageId ?? 0);
        if (sent === undefined) return;
        this.acknowledged.push(sent.payload);
        this.#sent.delete(packet.messageId ?? 0);
        return;
      }
      default:
        return;
    }
  }

  #accepted({ sessionPresent, returnCode, reasonCode }: IConnackPacket): void {
    if ((returnCode ?? reasonCode ?? 0) !== 0) return;
    this.isConnected = true;
    if (!sessionPresent) this.#got.clear();
    for (const [messageId, sent] of this.#sent) this.#send(messageId, sent, true);
  }

  #send(messageId: number, { topic, payload, qos, isReceived }: Sent, dup: boolean): void {
    if (isReceived) this.#client?.send({ cmd: "pubrel", messageId });
    else this.#client?.publish(topic, payload, { qos, messageId, dup });
  }

  #message(qos: number, messageId: number, payload: string): void {
    if (qos < 2 || !this.#got.has(messageId)) this.heard.push(payload);
    if (qos === 1) this.#client?.send({ cmd: "puback", messageId });
    if (qos !== 2) return;
    this.#got.add(messageId);
    this.#client?.send({ cmd: "pubrec", messageId });
  }

  /** The lowest that is free, so that each is soon used again. */
  #nextId(): number {
    let id = 1;
    while (this.#sent.has(id)) id += 1;
    return id;
  }
}
