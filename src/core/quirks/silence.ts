import type { Broker } from "../broker.ts";
import type { ConnectionId, Effect, Input } from "../io.ts";

/** `byteOfLarge`: parts of a packet count while it lacks more bytes than this. */
const largeMin = 1000;

/**
 * Updates `silentSince` under quirks whose silence does not start at the last packet. By the
 * standard it does (`lastPacketAt`): then this is never called, and a packet costs one write.
 */
export function updateSilentSince(broker: Broker, input: Input, effects: readonly Effect[]): void {
  if (endsSilence(broker, input)) setSilentSince(broker, input.connection);
  if (broker.rules.keepAliveResetBy !== "packetOrSent") return;
  for (const effect of effects) {
    if (effect.type === "send" || effect.type === "acknowledge")
      setSilentSince(broker, effect.connection);
    if (effect.type !== "deliver" && effect.type !== "forward") continue;
    for (const { connection } of effect.to) setSilentSince(broker, connection);
  }
}

type Packets = "received" | "acknowledged" | "published";

function endsSilence(
  broker: Broker,
  input: Input,
): input is Input & { readonly type: Packets | "bytesReceived" } {
  const by = broker.rules.keepAliveResetBy;
  if (input.type === "bytesReceived") {
    return by === "byte" || (by === "byteOfLarge" && input.awaited > largeMin);
  }
  if (input.type === "acknowledged" || input.type === "published") return by !== "pingreq";
  if (input.type !== "received") return false;
  if (by === "pingreq") return input.packet.type === "pingreq";
  return by !== "notPingreq" || input.packet.type !== "pingreq";
}

function setSilentSince(broker: Broker, id: ConnectionId): void {
  const connection = broker.connections.get(id);
  // Until CONNECT is accepted the connect timeout applies instead.
  if (connection?.state === "connected") connection.silentSince = broker.now;
}
