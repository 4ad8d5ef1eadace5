import type { IPublishPacket } from "mqtt-packet";

/** A message to publish, without what belongs to one connection. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly properties?: IPublishPacket["properties"];
}

/** A packet to send again on a new connection. */
export type Resent =
  | {
      readonly step: "publish";
      readonly packetId: number;
      readonly message: OutgoingMessage;
      /** It went out before, in the session that the broker has resumed. */
      readonly dup: boolean;
    }
  | { readonly step: "pubrel"; readonly packetId: number };

interface Unfinished {
  readonly message: OutgoingMessage;
  /** PUBREC has come: the broker has the message. */
  isReceived: boolean;
}

/** The packet ids of a session, and its QoS 1 and 2 messages that the broker has not finished. */
export class Outgoing {
  /** In the order in which they were sent. */
  readonly #unfinished = new Map<number, Unfinished>();
  readonly #reserved = new Set<number>();
  #nextId = 1;

  get size(): number {
    return this.#unfinished.size;
  }

  /** The message's packet id [v4-2.3.1-2] [v5-2.2.1-3]. The caller keeps `size` below 65,000. */
  add(message: OutgoingMessage): number {
    const packetId = this.#freeId();
    this.#unfinished.set(packetId, { message, isReceived: false });
    return packetId;
  }

  /** A packet id for SUBSCRIBE or UNSUBSCRIBE, in use until `release`. */
  reserve(): number {
    const packetId = this.#freeId();
    this.#reserved.add(packetId);
    return packetId;
  }

  release(packetId: number): void {
    this.#reserved.delete(packetId);
  }

  /** PUBREC has come. */
  received(packetId: number): void {
    const found = this.#unfinished.get(packetId);
    if (found !== undefined) found.isReceived = true;
  }

  /** PUBACK or PUBCOMP has come, or a PUBREC that refuses. Null: for no message of these. */
  finish(packetId: number): OutgoingMessage | null {
    const found = this.#unfinished.get(packetId);
    this.#unfinished.delete(packetId);
    return found?.message ?? null;
  }

  /**
   * What to send first on a new connection, in the original order [v4-4.4.0-1] [v4-4.6.0-1]
   * [v5-4.4.0-1] [v5-4.6.0-1]. In a session that is new to the broker, messages that it had received
   * are finished, and the others go out as new ones.
   */
  resend(sessionPresent: boolean): readonly Resent[] {
    this.#reserved.clear();
    const all: Resent[] = [];
    for (const [packetId, { message, isReceived }] of this.#unfinished) {
      if (!isReceived) all.push({ step: "publish", packetId, message, dup: sessionPresent });
      else if (sessionPresent) all.push({ step: "pubrel", packetId });
      else this.#unfinished.delete(packetId);
    }
    return all;
  }

  #freeId(): number {
    for (;;) {
      const id = this.#nextId;
      this.#nextId = id === 65_535 ? 1 : id + 1;
      if (!this.#unfinished.has(id) && !this.#reserved.has(id)) return id;
    }
  }
}
