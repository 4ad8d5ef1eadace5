import type { Client } from "../client.ts";
import type { Figure, Load, LoadContext } from "../load.ts";
import { connect, packet, properties, repeated, text, type Version } from "../packets.ts";

/** Clients that send such packets at the same time. */
const senders = 4;
/** How long to wait for an answer, or for the end of the connection. */
const answerMs = 30_000;

/** CONNECT with very many User Properties, on new connections. MQTT 5.0. */
export function coldConnects(count: number): Load {
  return async (context) => {
    // An empty name and a value of one byte: 6 bytes each.
    const property = Uint8Array.of(0x26, 0, 0, 0, 1, 0x78);
    const bytes = connect(5, {
      clientId: `${context.target.prefix}-cold`,
      keepAlive: 600,
      properties: repeated(property, count),
    });
    return () =>
      repeatedly(context, 5, "CONNECT", async (client) => {
        await client.dial();
        await answered(client, bytes, 0x20);
      });
  };
}

/** SUBSCRIBE of very many filters. */
export function coldSubscribes(count: number): Load {
  return async (context) => {
    const filter = Uint8Array.of(...text("x"), 0);
    const bytes = packet(0x82, [
      [0, 1],
      ...properties(context.target.version, []),
      repeated(filter, count),
    ]);
    return () =>
      repeatedly(context, context.target.version, "SUBSCRIBE", async (client) => {
        await client.open({ keepAlive: 600 });
        await answered(client, bytes, 0x90);
      });
  };
}

/** UNSUBSCRIBE of very many filters. */
export function coldUnsubscribes(count: number): Load {
  return async (context) => {
    const bytes = packet(0xa2, [
      [0, 1],
      ...properties(context.target.version, []),
      repeated(text("x"), count),
    ]);
    return () =>
      repeatedly(context, context.target.version, "UNSUBSCRIBE", async (client) => {
        await client.open({ keepAlive: 600 });
        await answered(client, bytes, 0xb0);
      });
  };
}

/** A broker may answer, refuse, or close: the load goes on with a new connection. */
async function repeatedly(
  context: LoadContext,
  version: Version,
  name: string,
  once: (client: Client) => Promise<void>,
): Promise<Figure[]> {
  const began = performance.now();
  let count = 0;
  let closed = 0;
  const sender = async (number: number): Promise<void> => {
    while (performance.now() - began < context.seconds * 1000) {
      const client = context.expendable(`cold-${number}-${count}`, version);
      try {
        await once(client);
      } catch {
        closed++;
      }
      client.reset();
      count++;
    }
  };
  await Promise.all(Array.from({ length: senders }, (_, number) => sender(number)));
  const took = (performance.now() - began) / 1000;
  if (closed > 0) context.note(`the broker closed the connection of ${closed} of ${count} ${name}`);
  return [{ name, value: count / took, unit: "/s" }];
}

async function answered(client: Client, bytes: Uint8Array, type: number): Promise<void> {
  const late = Bun.sleep(answerMs);
  await Promise.race([client.request(bytes, type), late]);
}
