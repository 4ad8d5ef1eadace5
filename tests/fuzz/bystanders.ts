import type { TestClient } from "../support/client.ts";
import type { World } from "../support/world.ts";
import { Broken } from "./hostile-link.ts";

/** Seconds; the longest keepalive, so that an input may let a day pass between two packets. */
const keepalive = 65_535;
const allowedMs = keepalive * 1500;

const listenerId = "bystander-listener";
const speakerId = "bystander-speaker";
const news = "bystander/news";
const will = "bystander/will";

/**
 * Two correct clients beside the incorrect ones. One sends to the other; both stay connected, and
 * at the end the sender falls silent and must be ended on time. Throws Broken if anything else
 * happens to them.
 */
export class Bystanders {
  readonly #world: World;
  readonly #listener: TestClient;
  readonly #speaker: TestClient;
  #spoken = 0;
  #isExpired = false;

  constructor(world: World) {
    this.#world = world;
    this.#listener = world.open();
    // The limit on the keepalive applies to MQTT 5.0 alone, and the listener has none.
    const protocolVersion = world.broker.limits.keepAliveMaxSeconds === Infinity ? 5 : 4;
    this.#listener.connect({ clientId: listenerId, protocolVersion });
    this.#listener.subscribe({ topic: "bystander/#", qos: 1 });
    this.#speaker = world.open();
    this.#speaker.connect({
      clientId: speakerId,
      keepalive,
      will: { topic: will, payload: Buffer.from("gone"), qos: 1, retain: false },
    });
    this.speak();
  }

  /** Both close their side, as every client does whose connection the broker ends. */
  leave(): void {
    this.#listener.drop("eof");
    this.#speaker.drop("eof");
  }

  isOne(clientId: string): boolean {
    return clientId === listenerId || clientId === speakerId;
  }

  /** A message with QoS 1, from one to the other. */
  speak(): void {
    this.#beRead();
    this.#spoken += 1;
    const payload = `${this.#spoken}`;
    this.#speaker.publish(news, payload, { qos: 1, messageId: this.#spoken });
    const [ack] = this.#speaker.take("puback");
    if (ack?.messageId !== this.#spoken) throw new Broken("the bystander's PUBLISH got no PUBACK");
    this.#hear(`${news}=${payload}`);
  }

  /** A slow client may get its messages, too: the hold is no longer than allowed. */
  #beRead(): void {
    if (!this.#speaker.paused) return;
    this.#world.advance(this.#world.broker.limits.holdTimeoutMs);
    if (this.#speaker.paused) throw new Broken("a bystander is held for too long");
  }

  stayAlive(): void {
    this.#beRead();
    this.#speaker.ping();
    if (this.#speaker.take("pingresp").length !== 1) {
      throw new Broken("the bystander's PINGREQ got no PINGRESP");
    }
  }

  /** Throws if anything has happened to them. */
  judge(): void {
    const living = this.#isExpired ? [this.#listener] : [this.#listener, this.#speaker];
    for (const client of living) {
      if (client.closedBy !== null) throw new Broken("a bystander's connection was closed");
      const [packet] = client.received;
      if (packet !== undefined) throw new Broken(`a bystander got ${JSON.stringify(packet)}`);
    }
  }

  /**
   * The sender sends nothing more: its connection lasts until the deadline, and not a millisecond
   * longer.
   */
  expire(): void {
    this.stayAlive();
    this.#world.advance(allowedMs - 1);
    this.judge();
    this.#world.advance(1);
    if (this.#speaker.closedBy === null) throw new Broken("the bystander's keepalive did not end");
    this.#isExpired = true;
    this.#hear(`${will}=gone`);
  }

  #hear(message: string): void {
    const [packet, ...others] = this.#listener.take("publish");
    const heard = packet && `${packet.topic}=${packet.payload.toString()}`;
    if (heard !== message || others.length > 0) {
      throw new Broken(`the bystander heard ${heard ?? "nothing"} instead of ${message}`);
    }
    this.#listener.send({ cmd: "puback", messageId: packet?.messageId ?? 0 });
  }
}
