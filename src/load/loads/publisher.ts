import { Client, type LoadTarget } from "../client.ts";
import { type PublishRun, uint16 } from "../packets.ts";
import type { Flow } from "./flow.ts";
import { Replies } from "./replies.ts";

/** Sends numbered messages as its flow allows, and checks that the broker acknowledges each. */
export class Publisher extends Client {
  published = 0;
  /** For QoS 0 the same as `published`: nothing is outstanding. */
  acknowledged = 0;
  readonly #complain: (error: string) => void;
  readonly #run: PublishRun;
  readonly #flow: Flow;
  readonly #lastType: number;
  /** PUBREL, of QoS 2. */
  readonly #replies = new Replies(this);
  #received = 0;

  /** `run` has room for a whole window. */
  constructor(
    id: string,
    target: LoadTarget,
    complain: (error: string) => void,
    run: PublishRun,
    flow: Flow,
  ) {
    super(id, target);
    this.#complain = complain;
    this.#run = run;
    this.#flow = flow;
    this.#lastType = lastTypes[((run.bytes[0] ?? 0) >> 1) & 0x03] ?? 0;
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

  override frame(bytes: Uint8Array, start: number, size: number): void {
    if (this.isAsking) {
      super.frame(bytes, start, size);
      return;
    }
    const type = bytes[start] ?? 0;
    const id = uint16(bytes, start + 2);
    const reason = size > 4 ? (bytes[start + 4] ?? 0) : 0;
    // Acknowledgements come in the order of the messages [v4-4.6.0-2] [v5-4.6.0-2].
    if (type === 0x50 && reason === 0 && id === packetId(this.#received + 1)) {
      this.#received++;
      this.#replies.add(0x62, id);
      return;
    }
    this.acknowledged++;
    if (type === this.#lastType && reason === 0 && id === packetId(this.acknowledged)) return;
    const got = bytes.subarray(start, start + Math.min(size, 8)).toHex();
    this.#complain(
      `${this.id}: expected the acknowledgement of message ${this.acknowledged}, got ${got}`,
    );
  }

  protected override readEnded(): void {
    this.#replies.flush();
    this.#flow.refill();
  }
}

/** The packet that ends the delivery of a message, by QoS: none, PUBACK, PUBCOMP. */
const lastTypes = [0, 0x40, 0x70];

/** 1 to 65,535, in turn. */
function packetId(sequence: number): number {
  return ((sequence - 1) % 65_535) + 1;
}
