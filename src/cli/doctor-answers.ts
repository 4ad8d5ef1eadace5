import { Client } from "../client/client.ts";
import { Refused } from "../client/client-error.ts";
import { escapeUnprintable } from "../log/foreign.ts";

/** Milliseconds for all of it: a person waits. */
const patienceMs = 1500;
/** For the retained message behind SUBACK. */
const versionMs = 300;
const versionTopic = "$SYS/broker/version";
/** Characters of what it says of itself. */
const versionMax = 60;

/**
 * What answers MQTT 3.1.1 on a port of this machine: its name from `$SYS`, or how it refuses a client
 * without a user name. Null: nothing that speaks MQTT. Leaves nothing on the broker.
 */
export async function brokerOn(port: number): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), patienceMs);
  const asked = ask(port).catch((error: unknown) => {
    if (error instanceof Refused)
      return `it refuses clients without a user name (${error.message})`;
    // Not MQTT, or nothing there any more.
    return null;
  });
  const answer = await Promise.race([asked, promise]);
  clearTimeout(timer);
  return answer;
}

async function ask(port: number): Promise<string> {
  const address = { transport: "tcp", host: "127.0.0.1", port, path: "" } as const;
  const client = await Client.open({ ...address, username: null, password: null, tls: null }, 4);
  try {
    await client.connect({ clientId: `mqttd-doctor-${process.pid}`, clean: true, keepalive: 10 });
    const said = new Promise<string | null>((resolve) => {
      client.onArrival = ({ packet }) =>
        resolve(escapeUnprintable(packet.payload.toString()).slice(0, versionMax));
      setTimeout(() => resolve(null), patienceMs);
    });
    await client.subscribe(versionTopic);
    const nothing = new Promise<null>((resolve) => setTimeout(() => resolve(null), versionMs));
    return (await Promise.race([said, nothing])) ?? "a broker without $SYS/broker/version";
  } finally {
    client.leave();
  }
}
