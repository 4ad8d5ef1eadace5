import type { Broker } from "../broker.ts";
import type { ConnectionId, Effect, Input } from "../io.ts";

/** Bytes that a packet has to lack for its parts to count. */
const largeMin = 1000;

/**
 * Keeps `silentSince` for rules under which the silence does not begin with the last packet. By the
 * standard it does (`lastPacketAt`), so that this is never called then and a packet costs one write.
 */
export function updateSilentSince(broker: Broker, input: Input, effects: readonly Effect[]): void {
  if (endsSilence(broker, input)) setSilentSince(broker, input.connection);
  if (broker.rules.keepAliveResetBy !== "packetOrSent") return;
  for (const effect of effects) {
    if (effect.type === "send") setSilentSince(broker, effect.connection);
    if (effect.type !== "deliver") continue;
    for (const { connection } of effect.to) setSilentSince(broker, connection);
  }
}

function endsSilence(
  broker: Broker,
  input: Input,
): input is Input & { readonly type: "received" | "bytesReceived" } {
  const by = broker.rules.keepAliveResetBy;
  if (input.type === "bytesReceived") {
    return by === "byte" || (by === "byteOfLarge" && input.awaited > largeMin);
  }
  if (input.type !== "received") return false;
  if (by === "pingreq") return input.packet.type === "pingreq";
  return by !== "notPingreq" || input.packet.type !== "pingreq";
}

function setSilentSince(broker: Broker, id: ConnectionId): void {
  const connection = broker.connections.get(id);
  // Before CONNECT was accepted another deadline counts.
  if (connection?.state === "connected") connection.silentSince = broker.now;
}
