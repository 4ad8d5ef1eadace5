import { type Client, forAll } from "../client.ts";
import type { Load } from "../load.ts";
import { publish, repeated } from "../packets.ts";

/** A run of packets as long as what a socket takes at once. */
const runBytes = 64 * 1024;
/** Writes of one client in a turn; then it is the next one's. */
const writesEach = 4;

/** Publishers whose sockets are always full: QoS 0, 5 B payload, nobody subscribed. */
export function busyPublishers(count: number): Load {
  return async (context) => {
    const { prefix, version } = context.target;
    const message = publish(version, `${prefix}/b`, new Uint8Array(5));
    const run = repeated(message, Math.floor(runBytes / message.length));
    const senders = Array.from(
      { length: count },
      (_, at) => new Sender(context.client(`busy-${at}`), run),
    );
    await forAll(senders, async ({ client }) => client.open({ keepAlive: 600 }));
    return async () => {
      const began = performance.now();
      for (const sender of senders) sender.fill();
      await Bun.sleep(context.seconds * 1000);
      for (const sender of senders) sender.isOver = true;
      const took = (performance.now() - began) / 1000;
      const bytes = senders.reduce((sum, { sent }) => sum + sent, 0);
      const least = Math.min(...senders.map(({ sent }) => sent));
      if (least * count * 2 < bytes) {
        context.note(
          `the least of them sent ${Math.round((least * count * 100) / bytes)} % of the mean`,
        );
      }
      return [{ name: "PUBLISH sent", value: bytes / message.length / took, unit: "/s" }];
    };
  };
}

/** Keeps the socket of one publisher full. */
class Sender {
  readonly client: Client;
  sent = 0;
  isOver = false;
  readonly #run: Uint8Array;

  constructor(client: Client, run: Uint8Array) {
    this.client = client;
    this.#run = run;
    client.onDrained = () => this.fill();
  }

  fill(): void {
    for (let write = 0; write < writesEach && !this.isOver; write++) {
      const start = this.sent % this.#run.length;
      const taken = this.client.offer(this.#run, start);
      this.sent += taken;
      if (start + taken < this.#run.length) return;
    }
    // The broker is faster than this loader: the other clients go on first.
    if (!this.isOver) setImmediate(() => this.fill());
  }
}
