import type { Row } from "../row.ts";
import { churn } from "./churn.ts";
import { idleConnections } from "./idle.ts";
import { throughput } from "./throughput.ts";

const pairs = { publishers: 50, subscribersEach: 1, window: 20, payloadBytes: 64 } as const;
const names = { tls: "TLS", ws: "WebSocket", wss: "WebSocket over TLS" } as const;

/** Of each transport but TCP: messages, handshakes, and what an idle connection takes. */
export const doors: readonly Row[] = (["tls", "ws", "wss"] as const).flatMap((over) => {
  const row = (
    name: string,
    title: string,
    load: Row["load"],
    better: Row["better"] = "more",
  ): Row => ({
    name: `${over}-${name}`,
    group: "doors",
    title: `${names[over]}: ${title}`,
    load,
    better,
    over,
  });
  return [
    row("pairs-qos0", "50 pairs, QoS 0, window 20", throughput({ ...pairs, qos: 0 })),
    row("pairs-qos1", "50 pairs, QoS 1, window 20", throughput({ ...pairs, qos: 1 })),
    row("connects", "connects with handshakes, 100 at a time", churn(100)),
    row("idle", "5,000 idle connections", idleConnections(5000), "less"),
  ];
});
