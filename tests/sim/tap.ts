import { demand } from "./books.ts";
import type { Connection, Said } from "./connection.ts";
import type { SimStore } from "./sim-store.ts";
import { anything, type Copy } from "./session.ts";

const nothing = new Uint8Array(0);
const firstBytes: Readonly<Record<string, number>> = {
  connack: 0x20,
  publish: 0x30,
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  suback: 0x90,
  unsuback: 0xb0,
  pingresp: 0xd0,
  disconnect: 0xe0,
};

export function firstByteOf(type: string): number {
  return firstBytes[type] ?? 0;
}

/**
 * Decodes the broker's output by hand, with no code of the broker's writer, and compares it with
 * the packets that the broker announced: the same packets in the same order, and no other byte.
 */
export class Tap {
  readonly #connection: Connection;
  #pending: Uint8Array = nothing;
  readonly #aliases = new Map<number, string>();
  #place = 0;
  #bytes: Uint8Array = nothing;

  readonly #store: SimStore | null;

  constructor(connection: Connection, store: SimStore | null) {
    this.#connection = connection;
    this.#store = store;
  }

  wrote(bytes: Uint8Array, start: number, end: number): void {
    let chunk = bytes.subarray(start, end);
    if (this.#pending.length > 0) {
      const joined = new Uint8Array(this.#pending.length + chunk.length);
      joined.set(this.#pending);
      joined.set(chunk, this.#pending.length);
      chunk = joined;
    }
    let at = 0;
    for (;;) {
      const next = this.#packet(chunk, at);
      if (next === null) break;
      at = next;
    }
    this.#pending = at === chunk.length ? nothing : chunk.slice(at);
  }

  /** Returns the start of the next packet; null: no complete one. */
  #packet(bytes: Uint8Array, start: number): number | null {
    let remaining = 0;
    let at = start + 1;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length) return null;
      const part = bytes[at++] ?? 0;
      remaining |= (part & 0x7f) << shift;
      if (part < 0x80) break;
    }
    const end = at + remaining;
    if (end > bytes.length) return null;
    const { said, maximumPacketSize, number } = this.#connection;
    const next = said[this.#connection.saidPlace++];
    if (this.#connection.saidPlace === said.length) {
      said.length = 0;
      this.#connection.saidPlace = 0;
    }
    const first = bytes[start] ?? 0;
    demand(
      next !== undefined && next.first === first,
      "the bytes are what the broker said it sends",
      {
        connection: number,
        first,
        next,
      },
    );
    demand(
      end - start <= maximumPacketSize,
      "no packet is larger than the client takes [v5-3.1.2-24]",
      {
        connection: number,
        size: end - start,
        maximumPacketSize,
      },
    );
    if (next.needed > 0) this.#store?.expectKept(next, { connection: number, next });
    if (first >> 4 === 2) this.#connection.isTold = true;
    this.#bytes = bytes;
    this.#place = at;
    if (first >> 4 === 3) this.#publish(next, end);
    else if (next.packetId > 0) this.#sameId(next, this.#two());
    if (next.codes !== null) this.#codes(next, next.codes, end);
    return end;
  }

  #publish(said: Said, end: number): void {
    const { ask } = this.#connection;
    let topic = this.#text();
    if ((said.first & 0x06) !== 0) this.#sameId(said, this.#two());
    const identifiers: number[] = [];
    let expiry = Infinity;
    let contentType: string | null = null;
    if (ask?.version === 5) {
      const length = this.#variable();
      const until = this.#place + length;
      while (this.#place < until) {
        const property = this.#byte();
        if (property === 0x02) expiry = this.#two() * 65_536 + this.#two();
        else if (property === 0x03) contentType = this.#text();
        else if (property === 0x0b) identifiers.push(this.#variable());
        else if (property === 0x23) topic = this.#alias(this.#two(), topic);
        else this.#wrong("a property that nobody published", said, property);
      }
    }
    if (topic !== said.topic) this.#wrong("another topic", said, topic);
    const { payload, copy } = said;
    const length = end - this.#place;
    if (payload !== null) {
      if (length !== payload.length) this.#wrong("a payload of another length", said, length);
      for (let at = 0; at < length; at++) {
        if (payload[at] !== this.#bytes[this.#place + at]) this.#wrong("another payload", said, at);
      }
    }
    if (copy === null || ask?.version !== 5) return;
    this.#properties(said, copy, identifiers, contentType, expiry);
  }

  #properties(
    said: Said,
    copy: Copy,
    identifiers: readonly number[],
    contentType: string | null,
    expiry: number,
  ): void {
    const found = inOrder(identifiers);
    const isRight = [copy.identifiers, ...copy.alike].some(
      (right) => right === anything || inOrder(right) === found,
    );
    if (!isRight) this.#wrong("other Subscription Identifiers", said, identifiers);
    const { publication } = copy;
    // Copies that look alike are interchangeable.
    if (copy.alike.length > 0) return;
    if (contentType !== publication.contentType) {
      this.#wrong("another Content Type", said, contentType);
    }
    if (expiry !== (said.expirySeconds ?? Infinity)) {
      this.#wrong("a Message Expiry Interval that is not what is left of it", said, expiry);
    }
  }

  #alias(alias: number, topic: string): string {
    const most = this.#connection.ask?.topicAliasMaximum ?? 0;
    demand(alias > 0 && alias <= most, "a Topic Alias is within what the client takes", {
      alias,
      most,
    });
    if (topic === "") return this.#aliases.get(alias) ?? "";
    this.#aliases.set(alias, topic);
    return topic;
  }

  #codes(said: Said, codes: readonly number[], end: number): void {
    if (this.#connection.ask?.version === 5) {
      const properties = this.#variable();
      this.#place += properties;
    }
    const found = [...this.#bytes.subarray(this.#place, end)];
    if (found.join() !== codes.join()) this.#wrong("other reason codes", said, found);
  }

  #sameId(said: Said, packetId: number): void {
    if (said.packetId !== packetId) this.#wrong("another packet id", said, packetId);
  }

  #wrong(what: string, said: Said, found: unknown): never {
    demand(false, `the bytes hold ${what}`, { connection: this.#connection.number, found, said });
  }

  #byte(): number {
    return this.#bytes[this.#place++] ?? 0;
  }

  #two(): number {
    return (this.#byte() << 8) | this.#byte();
  }

  #variable(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const part = this.#byte();
      value |= (part & 0x7f) << shift;
      if (part < 0x80) return value;
    }
  }

  #text(): string {
    const length = this.#two();
    const start = this.#place;
    this.#place += length;
    // Topics of a world are ASCII.
    let text = "";
    for (let at = start; at < start + length; at++)
      text += String.fromCharCode(this.#bytes[at] ?? 0);
    return text;
  }
}

function inOrder(numbers: readonly number[]): string {
  return numbers.toSorted((a, b) => a - b).join();
}
