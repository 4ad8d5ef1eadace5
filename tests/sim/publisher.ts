import type { IConnackPacket, IPublishPacket } from "mqtt-packet";
import { drawContentType, drawExpiry, payloadOf } from "./ask.ts";
import { drawTopic } from "./topics.ts";
import type { Voice } from "./voice.ts";
import type { World } from "./world.ts";

/**
 * A message with QoS 1 or 2 whose acknowledgement is missing; the publisher resends it when it
 * returns.
 */
interface Unfinished {
  readonly packet: IPublishPacket;
  /** PUBREC has arrived. */
  isReleased: boolean;
}

/** A program's PUBLISHes, within the announced limits, and those that are unacknowledged. */
export class Publisher {
  aliasesMax = 0;
  packetSize = Infinity;
  readonly #world: World;
  readonly #version: 3 | 4 | 5;
  readonly #isHostile: boolean;
  readonly #takeKey: () => number;
  readonly #unfinished = new Map<number, Unfinished>();
  #nextId = 1;
  #aliases: string[] = [];
  #receiveMaximum = 65_535;
  #maximumQos = 2;
  #retains = true;

  constructor(world: World, version: 3 | 4 | 5, isHostile: boolean, takeKey: () => number) {
    this.#world = world;
    this.#version = version;
    this.#isHostile = isHostile;
    this.#takeKey = takeKey;
  }

  reconnected(): void {
    this.#aliases = [];
    this.aliasesMax = 0;
    this.packetSize = Infinity;
  }

  /** CONNACK has announced the broker's limits. */
  told({ properties }: IConnackPacket): void {
    this.aliasesMax = properties?.topicAliasMaximum ?? 0;
    this.packetSize = properties?.maximumPacketSize ?? Infinity;
    this.#receiveMaximum = properties?.receiveMaximum ?? 65_535;
    this.#maximumQos = properties?.maximumQoS ?? 2;
    this.#retains = properties?.retainAvailable ?? true;
    // CONNACK announces no limits to older clients, so most of them are configured for their
    // broker.
    if (this.#version === 5 || !this.#world.dice.happens(0.9)) return;
    const { qos, retain } = this.#world.referee.books.limits;
    this.#maximumQos = qos;
    this.#retains = retain;
  }

  publish(voice: Voice): void {
    const { dice, options } = this.#world;
    const isV5 = this.#version === 5;
    const most = this.#maximumQos;
    const isDenied = dice.happens(0.01);
    let topic = isDenied ? "denied/t" : drawTopic(dice, options.topics);
    let qos = dice.pick([0, 1, 2] as const);
    if (qos > most && !(this.#isHostile && dice.happens(0.1))) qos = 0;
    if (qos > 0 && this.#unfinished.size >= Math.min(this.#receiveMaximum, 20)) qos = 0;
    const retain = dice.happens(0.2) && this.#retains;
    const isEmpty = dice.happens(0.05);
    // A message that looks like others must not wait for a share as well, or the two would be
    // indistinguishable.
    if (isEmpty && qos > 0 && topic.startsWith("t/")) topic = `$x/${dice.below(options.topics)}`;
    const size = dice.happens(0.04) ? dice.below(options.largePayload) : dice.below(40);
    const messageId = qos > 0 ? this.takeId() : 0;
    const expiry = isV5 ? drawExpiry(dice) : null;
    const contentType = isV5 ? drawContentType(dice) : null;
    const alias =
      isV5 && this.aliasesMax > 0 && dice.happens(0.2)
        ? dice.between(1, Math.min(this.aliasesMax, 3))
        : 0;
    const isNameless = alias > 0 && this.#aliases[alias] !== undefined && dice.happens(0.6);
    const packet: IPublishPacket = {
      cmd: "publish",
      topic: isNameless ? "" : topic,
      payload: isEmpty ? "" : payloadOf(this.#takeKey(), size),
      qos,
      retain,
      dup: false,
      ...(qos > 0 && { messageId }),
      ...(isV5 && {
        properties: {
          ...(expiry !== null && { messageExpiryInterval: expiry }),
          ...(contentType !== null && { contentType }),
          ...(alias > 0 && { topicAlias: alias }),
        },
      }),
    };
    const bytes = voice.encode(packet);
    if (bytes.length > Math.min(voice.connection.limits.packetSize, this.packetSize)) {
      if (!this.#isHostile) return;
      return voice.sendBytes(bytes, { type: "publish", causes: ["packetTooLarge"] });
    }
    if (alias > 0 && !isNameless) this.#aliases[alias] = topic;
    if (qos > 0) {
      const again = { ...packet, topic: isNameless ? (this.#aliases[alias] ?? "") : topic };
      // An alias is valid on one connection only.
      if (isV5) again.properties = { ...packet.properties };
      delete again.properties?.topicAlias;
      this.#unfinished.set(messageId, { packet: again, isReleased: false });
    }
    voice.sendBytes(bytes, {
      type: "publish",
      packetId: messageId,
      topic: isNameless ? "" : topic,
      contentType,
    });
  }

  /** [v5-4.4.0-1]: in the order of first sending. */
  sendAgain(voice: Voice): void {
    for (const { packet, isReleased } of this.#unfinished.values()) {
      const { messageId = 0 } = packet;
      if (isReleased) {
        voice.send({ cmd: "pubrel", messageId });
      } else if (packet.qos <= this.#maximumQos && (this.#retains || !packet.retain)) {
        voice.send({ ...packet, dup: true });
      }
    }
  }

  released(packetId: number): void {
    const unfinished = this.#unfinished.get(packetId);
    if (unfinished !== undefined) unfinished.isReleased = true;
  }

  finished(packetId: number): void {
    this.#unfinished.delete(packetId);
  }

  /** Its session is over. */
  forget(): void {
    this.#unfinished.clear();
  }

  takeId(): number {
    do {
      this.#nextId = this.#nextId >= 200 ? 1 : this.#nextId + 1;
    } while (this.#unfinished.has(this.#nextId));
    return this.#nextId;
  }
}
