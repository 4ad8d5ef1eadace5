/**
 * mqtt.js in a process of its own: a publisher and a subscriber with persistent sessions, whose
 * sockets are cut repeatedly. Prints a line for each message sent or received; ends at a line on
 * stdin.
 */
import mqtt from "mqtt";
import { Dice } from "../support/dice.ts";

export interface JsOptions {
  readonly port: number;
  readonly seed: number;
  readonly subscriber: string;
  readonly publisher: string;
  /** Milliseconds between two messages: traffic, no wait for an event. */
  readonly everyMs: number;
}

export type JsTold =
  | { readonly did: "send"; readonly qos: 0 | 1 | 2 }
  | { readonly did: "receive"; readonly text: string }
  | { readonly did: "ready" | "settle" | "end" };

if (import.meta.main) await main();

async function main(): Promise<void> {
  // Unchecked: only the long run, which wrote this argument, runs this program.
  const options = JSON.parse(process.argv[2] ?? "") as JsOptions;
  const dice = new Dice(options.seed);
  const common = { clean: false, reconnectPeriod: 100, keepalive: 30 } as const;
  const url = `mqtt://127.0.0.1:${options.port}`;
  const properties = { sessionExpiryInterval: 3600 };
  const subscriber = await mqtt.connectAsync(url, {
    ...{ ...common, protocolVersion: 5, clientId: options.subscriber, properties },
  });
  subscriber.on("message", (_, payload) => tell({ did: "receive", text: payload.toString() }));
  await subscriber.subscribeAsync("flow/#", { qos: 2 });
  const publisher = await mqtt.connectAsync(url, {
    ...{ ...common, protocolVersion: 4, clientId: options.publisher },
  });
  const waiting = new Set<Promise<unknown>>();
  let sent = 0;
  tell({ did: "ready" });
  // Its own rhythm.
  const publishing = setInterval(() => {
    // While it has no connection, mqtt.js would keep QoS 0 too.
    const qos = publisher.connected ? dice.pick([0, 1, 2] as const) : dice.pick([1, 2] as const);
    tell({ did: "send", qos });
    const topic = `flow/${options.publisher}`;
    const publication = publisher.publishAsync(topic, `${options.publisher} ${sent++}`, { qos });
    waiting.add(publication);
    void publication.finally(() => waiting.delete(publication));
    if (dice.chance(3)) dice.pick([publisher, subscriber]).stream.destroy();
  }, options.everyMs);
  for await (const line of console) {
    if (line === "settle") {
      clearInterval(publishing);
      await Promise.all(waiting);
      tell({ did: "settle" });
    } else if (line === "end") break;
  }
  // Ending the sessions discards their messages.
  for (const client of [publisher, subscriber]) {
    await client.endAsync();
    const last = await mqtt.connectAsync(url, {
      clientId: client.options.clientId ?? "",
      clean: true,
    });
    await last.endAsync();
  }
  tell({ did: "end" });
  process.exit(0);
}

function tell(told: JsTold): void {
  process.stdout.write(`${JSON.stringify(told)}\n`);
}
