import type { LogLine, RunningBroker } from "./executable.ts";
import type { SocketClient } from "./socket-client.ts";

const payload = Buffer.alloc(64 * 1024, "x");

/**
 * Publishes 64 KiB messages of QoS 0 on a topic until the broker logs that it drops messages for
 * `clientId`, which reads nothing. Resolves to the number of messages.
 */
export async function floodUntilDropped(
  broker: RunningBroker,
  publisher: SocketClient,
  topic: string,
  clientId: string,
): Promise<number> {
  const isDropping = (line: LogLine): boolean =>
    line.event === "dropping" && line.client === clientId;
  for (let published = 1; ; published++) {
    publisher.publish(topic, payload);
    if (published % 16 !== 0) continue;
    await publisher.ping();
    if (broker.log.items.some(isDropping)) return published;
    // More than any kernel buffers.
    if (published * payload.length > 512 * 1024 * 1024) throw new Error("nothing was dropped");
  }
}
