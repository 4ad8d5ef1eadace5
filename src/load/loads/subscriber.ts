import { Client, type LoadTarget } from "../client.ts";
import { type PublishRun, type Qos, subscribe, uint16 } from "../packets.ts";
import type { Lane } from "./flow.ts";
import { Replies } from "./replies.ts";

/** One read in this many has a message that is compared byte by byte. */
const sampleEvery = 64;

/**
 * Counts messages, checks that they are complete and in order, and acknowledges once a read. Messages of
 * one flow with QoS 0 are counted by their bytes, as all have one size; the number in the last of each
 * read shows whether any is missing.
 */
export class Subscriber extends Client {
  reads = 0;
  readonly #complain: (error: string) => void;
  /** A run of one packet, encoded like the publishers'. */
  readonly #expected: PublishRun;
  /** One for each flow, in the order of their numbers. */
  readonly #lanes: readonly Lane[];
  readonly #replies = new Replies(this);
  /** Flows with messages in this read. */
  readonly #touched: Lane[] = [];
  readonly #qos: Qos;
  /** Bytes of the packet that is cut, while bytes are counted. */
  #cut = 0;

  constructor(
    id: string,
    target: LoadTarget,
    complain: (error: string) => void,
    expected: PublishRun,
    lanes: readonly Lane[],
  ) {
    super(id, target);
    this.#complain = complain;
    this.#expected = expected;
    this.#lanes = lanes;
    this.#qos = (((expected.bytes[0] ?? 0) >> 1) & 0x03) as Qos;
  }

  async subscribe(filter: string): Promise<void> {
    await this.request(subscribe(this.target.version, 1, [filter], this.#qos), 0x90);
  }

  protected override read(chunk: Uint8Array): void {
    const [lane] = this.#lanes;
    const isCounted = this.#qos === 0 && this.#lanes.length === 1 && lane !== undefined;
    if (isCounted && !this.isAsking) this.#countBytes(chunk, lane);
    else this.cutter.push(chunk);
  }

  #countBytes(chunk: Uint8Array, lane: Lane): void {
    const { size, payloadAt } = this.#expected;
    const end = this.#cut + chunk.length;
    const whole = Math.floor(end / size);
    // The last packet whose number is in this chunk, relative to the first that is not complete.
    const last = Math.floor((end - payloadAt - 4) / size);
    const start = last * size - this.#cut;
    if (last >= 0 && start + payloadAt >= 0) {
      const isOther = start >= 0 && chunk[start] !== this.#expected.bytes[0];
      const sequence = uint32(chunk, start + payloadAt);
      const expected = (lane.count + last + 1) >>> 0;
      if (isOther) this.#complain(`${this.id}: ${notPublished(chunk, start, size)}`);
      else if (sequence !== expected)
        this.#complain(`${this.id}: message ${sequence} arrived instead of ${expected}`);
      else if (this.reads % sampleEvery === 0 && start >= 0 && start + size <= chunk.length)
        this.#compare(chunk, start);
    }
    this.#cut = end - whole * size;
    if (whole > 0) {
      lane.count += whole;
      this.#touched.push(lane);
    }
  }

  override frame(bytes: Uint8Array, start: number, size: number): void {
    if (this.isAsking) {
      super.frame(bytes, start, size);
      return;
    }
    const { idAt, payloadAt } = this.#expected;
    if (bytes[start] === 0x62) {
      this.#replies.add(0x70, uint16(bytes, start + 2));
      return;
    }
    if (bytes[start] !== this.#expected.bytes[0] || size !== this.#expected.size) {
      this.#complain(`${this.id}: ${notPublished(bytes, start, size)}`);
      return;
    }
    const lane = this.#lanes.length === 1 ? this.#lanes[0] : this.#laneAt(bytes, start + payloadAt);
    const sequence = uint32(bytes, start + payloadAt);
    if (lane === undefined || sequence !== ++lane.count) {
      this.#complain(`${this.id}: message ${sequence} arrived instead of ${lane?.count ?? 0}`);
      return;
    }
    if (lane.count === lane.countBefore + 1) this.#touched.push(lane);
    if (lane.count % sampleEvery === 1 && start + size <= bytes.length) this.#compare(bytes, start);
    if (idAt > 0) this.#replies.add(this.#qos === 1 ? 0x40 : 0x50, uint16(bytes, start + idAt));
  }

  protected override readEnded(): void {
    this.#replies.flush();
    if (this.#touched.length === 0) return;
    this.reads++;
    for (const lane of this.#touched) lane.flow.arrived(lane);
    this.#touched.length = 0;
  }

  #laneAt(bytes: Uint8Array, payloadAt: number): Lane | undefined {
    return this.#lanes[uint16(bytes, payloadAt + 4)];
  }

  /** Compares all bytes but those that differ from message to message, and the topic of other flows. */
  #compare(bytes: Uint8Array, start: number): void {
    const { size, payloadAt, idAt } = this.#expected;
    const from = this.#lanes.length === 1 ? 0 : payloadAt + 6;
    for (let at = from; at < size; at++) {
      if (idAt > 0 && (at === idAt || at === idAt + 1)) continue;
      if (at >= payloadAt && at < payloadAt + 4) continue;
      if (bytes[start + at] === this.#expected.bytes[at]) continue;
      this.#complain(`${this.id}: a message differs from the published one`);
      return;
    }
  }
}

function uint32(bytes: Uint8Array, at: number): number {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0;
}

function notPublished(bytes: Uint8Array, start: number, size: number): string {
  const shown = bytes.subarray(start, start + Math.min(size, 16)).toHex();
  return `not the published packet (${shown}, ${size} bytes)`;
}
