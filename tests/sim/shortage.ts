import { rightsOf } from "../../src/core/access-lists.ts";
import type { Broker } from "../../src/core/broker.ts";
import { after } from "../../src/core/io.ts";
import type { PublishPacket } from "../../src/core/packet.ts";
import { costs, textBytes } from "../../src/core/memory.ts";
import { isRoomFor } from "../../src/core/publish.ts";
import type { Session } from "../../src/core/session.ts";

/**
 * Whether memory is short, as the broker has counted it; `recount.ts` proves that it counts right.
 * The referee knows no broker's memory itself: it only judges whether a refusal was justified.
 */
export class Shortage {
  broker: Broker | null = null;
  /** Held before the present input: what it refused may have made the broker forget records since. */
  #before = 0;

  /** An input follows. */
  begin(): void {
    this.#before = this.broker?.memory.total ?? 0;
  }

  /** Whether there is a limit at all. */
  get isLimited(): boolean {
    return this.limit !== Infinity;
  }

  get limit(): number {
    return this.broker?.memory.limit ?? Infinity;
  }

  /** Whether so many more bytes would take this share of the limit. */
  isFrom(share: number, bytes: number): boolean {
    const total = Math.max(this.broker?.memory.total ?? 0, this.#before);
    return total + bytes >= (share - tolerance) * this.limit;
  }

  /** Whether the broker has to refuse a PUBLISH that it is about to handle. */
  refuses(clientId: string, topic: string, packet: PublishPacket): boolean {
    const { broker } = this;
    const publisher = broker?.sessions.get(clientId);
    if (broker === null || publisher === undefined || packet.qos === 0) return false;
    // The broker may remember rights now, which take memory.
    rightsOf(broker, publisher);
    const { payload, qos, retain, properties, expirySeconds } = packet;
    if (!this.isFrom(0.95, payload.length)) return false;
    if (broker.memory.hasRoomBefore("refuseMessages", payload.length)) return false;
    // With an expiry it may be too large for a subscriber.
    const expiresAt = expirySeconds === null ? null : after(broker.now, expirySeconds * 1000);
    const content = { topic, qos, retain, payload, properties, expiresAt };
    const message = { ...content, frame: null, owned: false, keepers: 0 };
    // The first question may have the broker remember a route, which takes memory.
    isRoomFor(broker, publisher, message);
    const aliasBytes = aliasGrowth(publisher, packet);
    broker.memory.aliases.take(aliasBytes);
    const refuses = !isRoomFor(broker, publisher, message);
    broker.memory.aliases.give(aliasBytes);
    return refuses;
  }
}

/** Bytes that a Topic Alias takes which the packet defines. */
function aliasGrowth({ connection }: Session, { topic, topicAlias }: PublishPacket): number {
  if (topicAlias === 0 || topic === "") return 0;
  const before = connection?.aliasesIn?.[topicAlias];
  if (before !== undefined) return textBytes(topic) - textBytes(before);
  return costs.alias + textBytes(topic);
}

/** A measure ends a little below where it begins. */
const tolerance = 0.03;
