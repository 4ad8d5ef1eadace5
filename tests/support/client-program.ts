/**
 * A client in a process of its own. It connects with a will on `wills/<client id>`, then either
 * sends a PINGREQ twice a second, or subscribes and sends nothing more. It writes each act to
 * stdout as one line of JSON, a `Report`.
 */
import { now } from "./inbox.ts";
import { SocketClient } from "./socket-client.ts";

export interface ProgramOptions {
  readonly port: number;
  readonly clientId: string;
  /** Seconds. */
  readonly keepalive: number;
  /** Null: the client sends PINGREQ. */
  readonly subscribe: string | null;
}

/** The broker received it between `sent` and `answered`, milliseconds of `now()`. */
export type Report =
  | { readonly did: "ping" | "subscribe"; readonly sent: number; readonly answered: number }
  | { readonly did: "receive"; readonly messages: number };

/** The client's own rhythm. */
const pingMs = 500;
const messagesALine = 25;

if (import.meta.main) await main();

async function main(): Promise<void> {
  // Unchecked: only the test that wrote this argument runs this program.
  const options = JSON.parse(process.argv[2] ?? "") as ProgramOptions;
  const { port, clientId, keepalive, subscribe } = options;
  const will = { topic: `wills/${clientId}`, payload: Buffer.from("gone"), qos: 1, retain: false };
  const client = await SocketClient.connect(port, {
    ...{ clientId, keepalive, protocolVersion: 4 },
    will: { ...will, qos: 1 },
  });
  void client.ended.then(() => process.exit(0));
  if (subscribe === null) {
    const ping = async () => timed("ping", async () => client.ping());
    await ping();
    // The client's own rhythm.
    setInterval(() => void ping(), pingMs);
  } else {
    await timed("subscribe", async () => client.subscribe(subscribe));
    for (let lines = 1; ; lines++) {
      const messages = lines * messagesALine;
      await client.received.count("message", messages, ({ packet }) => packet.cmd === "publish");
      print({ did: "receive", messages });
    }
  }
}

async function timed(did: "ping" | "subscribe", exchange: () => Promise<unknown>): Promise<void> {
  const sent = now();
  await exchange();
  print({ did, sent, answered: now() });
}

function print(report: Report): void {
  process.stdout.write(`${JSON.stringify(report)}\n`);
}
