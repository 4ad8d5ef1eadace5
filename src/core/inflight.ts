import { assert } from "./assert.ts";
import type { Connection } from "./connection.ts";
import type { Copy } from "./copy.ts";
import type { ConnectionId, Delivery } from "./io.ts";
import { costs, messageBytes, type Memory } from "./memory.ts";
import type { Message, ProtocolVersion, Qos } from "./packet.ts";

const largestPacketId = 65_535;

/**
 * One unacknowledged QoS 1 or 2 message to a subscriber. It is its own Delivery, so that a copy
 * costs one object; a resend changes the connection and sets DUP [v4-3.3.1-1] [v4-3.3.1-3]
 * [v5-3.3.1-1] [v5-3.3.1-3] [v5-4.3.2-2] [v5-4.3.3-2].
 */
export class Outgoing implements Delivery {
  readonly message: Message;
  readonly copy: Copy;
  readonly qos: Qos;
  readonly retain: boolean;
  readonly packetId: number;
  readonly strip: number;
  readonly subscriptionIdentifiers: readonly number[] | null;
  /** Position in the order of first sending, which resends keep (v5-4.6.0-1). */
  readonly order: number;
  connection: ConnectionId;
  version: ProtocolVersion;
  alias = 0;
  aliasKnown = false;
  dup = false;
  plain: boolean;
  /** PUBREC was received, so a resend sends PUBREL (v5-4.3.3-4). */
  released = false;

  constructor(message: Message, copy: Copy, to: Addressee, packetId: number, order: number) {
    this.message = message;
    this.copy = copy;
    this.qos = copy.qos;
    this.retain = copy.retain;
    this.packetId = packetId;
    this.strip = to.strip;
    this.subscriptionIdentifiers = copy.identifiers;
    this.order = order;
    this.connection = to.id;
    this.version = to.version;
    this.plain = to.strip === 0 && copy.identifiers === null;
  }
}

type Addressee = Pick<Connection, "id" | "version" | "strip">;

/**
 * Outgoing messages that wait for an acknowledgement: a ring by packet id. Ids are assigned in
 * sequence; the ring grows only if an old message still occupies the next slot [v4-2.3.1-4]
 * [v4-4.3.2-1] [v4-4.3.3-1] [v5-2.2.1-4] [v5-4.3.2-1] [v5-4.3.3-1].
 */
export class InflightWindow {
  #slots: (Outgoing | undefined)[] = [];
  #mask = -1;
  #count = 0;
  #nextId = 1;
  #order = 0;
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  get count(): number {
    return this.#count;
  }

  get(packetId: number): Outgoing | undefined {
    const found = this.#slots[packetId & this.#mask];
    return found?.packetId === packetId ? found : undefined;
  }

  add(message: Message, copy: Copy, to: Addressee): Outgoing {
    this.#memory.hold(message);
    this.#memory.inflight.take(costs.outgoing);
    const packetId = this.#takeId();
    const outgoing = new Outgoing(message, copy, to, packetId, this.#order++);
    this.#slots[packetId & this.#mask] = outgoing;
    this.#count += 1;
    return outgoing;
  }

  remove(outgoing: Outgoing): void {
    const place = outgoing.packetId & this.#mask;
    assert(this.#slots[place] === outgoing, "only what is in flight can leave the window");
    this.#slots[place] = undefined;
    this.#count -= 1;
    this.#memory.release(outgoing.message);
    this.#memory.inflight.give(costs.outgoing);
  }

  /** Forgets all messages, as their session ends. */
  clear(): void {
    for (const outgoing of this.#slots) if (outgoing !== undefined) this.remove(outgoing);
  }

  /** Bytes of memory, with all of each message, whoever else keeps it. */
  get held(): number {
    let bytes = 0;
    for (const outgoing of this.#slots) {
      if (outgoing !== undefined) bytes += costs.outgoing + messageBytes(outgoing.message);
    }
    return bytes;
  }

  /** In the order of first sending. */
  inOrder(): Outgoing[] {
    return this.#slots.filter((slot) => slot !== undefined).toSorted((a, b) => a.order - b.order);
  }

  #takeId(): number {
    assert(this.#count < largestPacketId, "the window is smaller than the number of packet ids");
    for (;;) {
      const id = this.#nextId;
      if (this.#mask >= 0 && this.#slots[id & this.#mask] === undefined) {
        this.#nextId = id === largestPacketId ? 1 : id + 1;
        return id;
      }
      if (this.#slots.length <= largestPacketId) this.#grow();
      else this.#nextId = id === largestPacketId ? 1 : id + 1;
    }
  }

  #grow(): void {
    const old = this.#slots;
    const size = old.length === 0 ? 8 : old.length * 2;
    this.#mask = size - 1;
    this.#slots = Array.from({ length: size });
    for (const outgoing of old) {
      if (outgoing !== undefined) this.#slots[outgoing.packetId & this.#mask] = outgoing;
    }
  }
}
