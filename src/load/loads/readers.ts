import { Client, forAll } from "../client.ts";
import { handled, type Load, type LoadContext, until } from "../load.ts";
import { packetIdOf, publish, subscribe } from "../packets.ts";
import { Replies } from "./replies.ts";

/** Subscribers that stop reading, and large messages for all of them at once. */
export function stalledReaders(readers: number, messages: number, payloadBytes: number): Load {
  return async (context) => {
    const topic = `${context.target.prefix}/stalled`;
    // A broker may end them: they take nothing.
    const clients = await subscribers(context, readers, topic, "expendable");
    for (const client of clients) client.stopReading();
    const publisher = context.client("publisher");
    await publisher.open({ keepAlive: 600 });
    const message = publish(publisher.target.version, topic, new Uint8Array(payloadBytes));
    return async () => {
      const began = performance.now();
      for (let at = 0; at < messages; at++) publisher.write(message);
      await handled(publisher);
      const took = performance.now() - began;
      await Bun.sleep(context.seconds * 1000);
      return [{ name: "publisher answered after", value: took, unit: "ms" }];
    };
  };
}

/**
 * Large messages to subscribers that read, again as soon as all have them. QoS 1: at QoS 0 a broker
 * may drop what a reader has no room for.
 */
export function largeMessages(readers: number, messages: number, payloadBytes: number): Load {
  return async (context) => {
    const { target } = context;
    const topic = `${target.prefix}/large`;
    const clients = Array.from({ length: readers }, (_, at) => {
      const reader = new Acknowledging(`${target.prefix}-reader-${at}`, target);
      context.keep(reader);
      reader.onEnded = () => context.fail(`${reader.id}: the broker ended the connection`);
      return reader;
    });
    await forAll(clients, async (client) => {
      await client.open({ keepAlive: 600 });
      await client.request(subscribe(target.version, 1, [topic], 1), 0x90);
    });
    const publisher = context.client("publisher");
    await publisher.open({ keepAlive: 600 });
    const payload = new Uint8Array(payloadBytes);
    const run = Array.from({ length: messages }, (_, at) =>
      publish(target.version, topic, payload, { qos: 1, id: at + 1 }),
    );
    return async () => {
      const began = performance.now();
      let rounds = 0;
      do {
        rounds++;
        for (const message of run) publisher.write(message);
        const all = () => clients.every(({ messages: count }) => count >= rounds * messages);
        if (!(await until(all, roundMs))) {
          context.fail(`not all readers have ${messages} messages within ${roundMs / 1000} s`);
          break;
        }
      } while (performance.now() - began < context.seconds * 1000);
      const bytes = clients.reduce((sum, client) => sum + client.messages, 0) * payloadBytes;
      const took = (performance.now() - began) / 1000;
      return [{ name: "MiB delivered", value: bytes / 2 ** 20 / took, unit: "/s" }];
    };
  };
}

const roundMs = 20_000;

/** Counts messages of QoS 1, whose packets may arrive in pieces, and acknowledges them. */
class Acknowledging extends Client {
  messages = 0;
  readonly #replies = new Replies(this);

  override frame(bytes: Uint8Array, start: number, size: number): void {
    if (this.isAsking || (bytes[start] ?? 0) >> 4 !== 3) {
      super.frame(bytes, start, size);
      return;
    }
    this.messages++;
    this.#replies.add(0x40, packetIdOf(bytes, start));
  }

  protected override readEnded(): void {
    this.#replies.flush();
  }
}

/** Connected clients with one subscription, QoS 0. */
export async function subscribers(
  context: LoadContext,
  count: number,
  filter: string,
  kind: "client" | "expendable",
): Promise<Client[]> {
  const clients = Array.from({ length: count }, (_, at) => context[kind](`reader-${at}`));
  await forAll(clients, async (client) => {
    await client.open({ keepAlive: 600 });
    await client.request(subscribe(client.target.version, 1, [filter], 0), 0x90);
  });
  return clients;
}
