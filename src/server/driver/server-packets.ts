import type { AckPacket, ProtocolVersion, ServerPacket } from "../../core/packet.ts";
import { ackMaximumSize, writeAck } from "../../wire/ack.ts";
import { answerSize, writeAnswer } from "../../wire/answer.ts";
import type { Outbox } from "./outbox.ts";

/**
 * Writes any packet but PUBLISH; acknowledgements in place, since they are as frequent as messages.
 */
export function writeServerPacket(
  outbox: Outbox,
  version: ProtocolVersion,
  packet: ServerPacket,
): void {
  switch (packet.type) {
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp": {
      const offset = outbox.reserve(ackMaximumSize);
      const { type, packetId, reason } = packet;
      outbox.commit(writeAck(outbox.buffer, offset, type, version, packetId, reason));
      return;
    }
    default: {
      const size = answerSize(packet, version);
      if (size === 0) return;
      const offset = outbox.reserve(size);
      outbox.commit(writeAnswer(outbox.buffer, offset, packet, version));
    }
  }
}

/** Writes acknowledgements of one type with success. */
export function writeAcks(
  outbox: Outbox,
  version: ProtocolVersion,
  by: AckPacket["type"],
  packetIds: readonly number[],
): void {
  let at = outbox.reserve(packetIds.length * ackMaximumSize);
  const { buffer } = outbox;
  for (const packetId of packetIds) at = writeAck(buffer, at, by, version, packetId, 0);
  outbox.commit(at);
}
