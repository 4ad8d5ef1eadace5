import type { Broker } from "../broker.ts";
import type { ConnectionId, Effect, Input } from "../io.ts";

/** Bytes that a packet has to lack for its parts to count. */
const largeMin = 1000;

/**
 * Keeps `heardAt` for rules under which the silence does not begin with the last packet. By the
 * standard it does (`lastPacketAt`), so that this is never called then and a packet costs one write.
 */
export function hear(broker: Broker, input: Input, effects: readonly Effect[]): void {
  if (counts(broker, input)) heard(broker, input.connection);
  if (broker.rules.keepAliveResetBy !== "packetOrSent") return;
  for (const effect of effects) {
    if (effect.type === "send") heard(broker, effect.connection);
    if (effect.type !== "deliver") continue;
    for (const { connection } of effect.to) heard(broker, connection);
  }
}

function counts(
  broker: Broker,
  input: Input,
): input is Input & { readonly type: "received" | "heard" } {
  const by = broker.rules.keepAliveResetBy;
  if (input.type === "heard") {
    return by === "byte" || (by === "byteOfLarge" && input.awaited > largeMin);
  }
  if (input.type !== "received") return false;
  if (by === "pingreq") return input.packet.type === "pingreq";
  return by !== "notPingreq" || input.packet.type !== "pingreq";
}

function heard(broker: Broker, id: ConnectionId): void {
  const connection = broker.connections.get(id);
  // Before CONNECT was accepted another deadline counts.
  if (connection?.state === "connected") connection.heardAt = broker.now;
}
