import type { ProtocolVersion, ServerPacket } from "../../core/packet.ts";
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
