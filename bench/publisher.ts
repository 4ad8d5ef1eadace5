import { Client, type Complain } from "./client.ts";
import type { Flow } from "./flow.ts";
import type { PublishRun, Version } from "./packets.ts";

/** Sends numbered messages as its flow allows, and checks that the broker acknowledges each QoS 1 one. */
export class Publisher extends Client {
  published = 0;
  /** For QoS 0 the same as `published`: nothing is outstanding. */
  acknowledged = 0;
  readonly #run: PublishRun;
  readonly #flow: Flow;

  /** `run` has room for a whole window. */
  constructor(id: string, version: Version, complain: Complain, run: PublishRun, flow: Flow) {
    super(id, version, complain);
    this.#run = run;
    this.#flow = flow;
  }

  /** Sends the next `count` messages in one write. */
  publish(count: number): void {
    const { bytes, size, idAt, payloadAt } = this.#run;
    for (let start = 0; start < count * size; start += size) {
      const sequence = ++this.published;
      const at = start + payloadAt;
      bytes[at] = sequence >>> 24;
      bytes[at + 1] = sequence >>> 16;
      bytes[at + 2] = sequence >>> 8;
      bytes[at + 3] = sequence;
      if (idAt === 0) continue;
      const id = packetId(sequence);
      bytes[start + idAt] = id >> 8;
      bytes[start + idAt + 1] = id;
    }
    if (idAt === 0) this.acknowledged = this.published;
    this.write(bytes, 0, count * size);
  }

  protected override frame(bytes: Uint8Array, start: number, end: number): void {
    const id = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
    const reason = end - start > 4 ? (bytes[start + 4] ?? 0) : 0;
    this.acknowledged++;
    // PUBACKs arrive in the order of the PUBLISH packets [v4-4.6.0-2] [v5-4.6.0-2].
    if (bytes[start] === 0x40 && id === packetId(this.acknowledged) && reason === 0) return;
    const got = bytes.subarray(start, Math.min(end, start + 8)).toHex();
    this.complain(`${this.id}: expected PUBACK of message ${this.acknowledged}, got ${got}`);
  }

  protected override readEnded(): void {
    this.#flow.refill();
  }
}

/** 1 to 65,535, in turn. */
function packetId(sequence: number): number {
  return ((sequence - 1) % 65_535) + 1;
}
