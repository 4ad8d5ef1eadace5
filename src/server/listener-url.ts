import { unixUrl } from "../transport/unix-url.ts";
import type { ListenerSettings } from "../config/settings.ts";

const schemes = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" } as const;
/** The path that clients use by habit, where any will do. */
const usualPath = "/mqtt";

/**
 * Where clients reach a listener: `mqtts://127.0.0.1:8883`, `ws://127.0.0.1:9001/mqtt`,
 * `mqtt+unix:///run/mqttd.sock`. `address` is one of its socket's.
 */
export function urlOf(
  { transport, webSocket }: Pick<ListenerSettings, "transport" | "webSocket">,
  address: string,
): string {
  if (transport === "unix") return unixUrl(address);
  const path = webSocket === null ? "" : (webSocket.path ?? usualPath);
  return `${schemes[transport]}://${address}${path}`;
}
