import { type Client, forAll } from "../client.ts";
import { handled, type Load, type LoadContext, until } from "../load.ts";
import { publish, subscribe } from "../packets.ts";

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

/** Large messages to subscribers that read, again as soon as all have them. */
export function largeMessages(readers: number, messages: number, payloadBytes: number): Load {
  return async (context) => {
    const topic = `${context.target.prefix}/large`;
    const clients = await subscribers(context, readers, topic, "client");
    const publisher = context.client("publisher");
    await publisher.open({ keepAlive: 600 });
    const message = publish(publisher.target.version, topic, new Uint8Array(payloadBytes));
    for (const client of clients) client.countOnly();
    return async () => {
      const began = performance.now();
      let rounds = 0;
      do {
        rounds++;
        const target = rounds * messages * message.length;
        for (let at = 0; at < messages; at++) publisher.write(message);
        const all = () => clients.every(({ received }) => received >= target);
        if (!(await until(all, roundMs))) {
          context.fail(`not all readers have ${messages} messages within ${roundMs / 1000} s`);
          break;
        }
      } while (performance.now() - began < context.seconds * 1000);
      const bytes = clients.reduce((sum, { received }) => sum + received, 0);
      const took = (performance.now() - began) / 1000;
      return [{ name: "MiB delivered", value: bytes / 2 ** 20 / took, unit: "/s" }];
    };
  };
}

const roundMs = 20_000;

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
