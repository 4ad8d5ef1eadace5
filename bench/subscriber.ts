import { Client, type Complain } from "./client.ts";
import type { Flow } from "./flow.ts";
import { type PublishRun, subscribe, type Version } from "./packets.ts";

/** One message in this many is compared byte by byte; the sequence number is checked in all. */
const sampleEvery = 1024;

/** The most PUBACKs in one write. */
const ackRoom = 4096;

/** Counts messages, checks order and completeness, and acknowledges once a read. */
export class Subscriber extends Client {
  count = 0;
  reads = 0;
  readonly #expected: PublishRun;
  readonly #flow: Flow;
  readonly #acks: Uint8Array;
  #ackBytes = 0;
  #countBefore = 0;

  /** `expected`: a run of one packet, encoded like the publisher's of this flow. */
  constructor(id: string, version: Version, complain: Complain, expected: PublishRun, flow: Flow) {
    super(id, version, complain);
    this.#expected = expected;
    this.#flow = flow;
    this.#acks = new Uint8Array(expected.idAt === 0 ? 0 : ackRoom * 4);
    for (let at = 0; at < this.#acks.length; at += 4) this.#acks.set([0x40, 2], at);
  }

  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    await this.request(subscribe(this.version, filter, qos), 0x90);
  }

  protected override frame(bytes: Uint8Array, start: number, end: number): void {
    const { size, payloadAt, idAt } = this.#expected;
    if (bytes[start] !== this.#expected.bytes[0] || end - start !== size) {
      this.complain(`${this.id}: not the published packet (${hex(bytes, start, end)})`);
      return;
    }
    const sequence = uint32(bytes, start + payloadAt);
    if (sequence !== ++this.count) {
      this.complain(`${this.id}: message ${sequence} arrived instead of ${this.count}`);
      return;
    }
    if (this.count % sampleEvery === 1) this.#compare(bytes, start);
    if (idAt > 0) this.#acknowledge(bytes, start + idAt);
  }

  protected override readEnded(): void {
    if (this.#ackBytes > 0) this.#flushAcks();
    if (this.count === this.#countBefore) return;
    this.reads++;
    const before = this.#countBefore;
    this.#countBefore = this.count;
    this.#flow.arrived(before, this.count);
  }

  #acknowledge(bytes: Uint8Array, idAt: number): void {
    if (this.#ackBytes === this.#acks.length) this.#flushAcks();
    this.#acks[this.#ackBytes + 2] = bytes[idAt] ?? 0;
    this.#acks[this.#ackBytes + 3] = bytes[idAt + 1] ?? 0;
    this.#ackBytes += 4;
  }

  #flushAcks(): void {
    this.write(this.#acks, 0, this.#ackBytes);
    this.#ackBytes = 0;
  }

  /** Compares all bytes except the packet id, which the broker chooses, and the sequence number. */
  #compare(bytes: Uint8Array, start: number): void {
    const { size, payloadAt, idAt } = this.#expected;
    for (let at = 0; at < size; at++) {
      if (idAt > 0 && (at === idAt || at === idAt + 1)) continue;
      if (at >= payloadAt && at < payloadAt + 4) continue;
      if (bytes[start + at] === this.#expected.bytes[at]) continue;
      this.complain(`${this.id}: message ${this.count} differs from the published one`);
      return;
    }
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  return high * 65_536 + (((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0));
}

function hex(bytes: Uint8Array, start: number, end: number): string {
  const shown = bytes.subarray(start, Math.min(end, start + 16)).toHex();
  return end - start > 16 ? `${shown}..., ${end - start} bytes` : shown;
}
