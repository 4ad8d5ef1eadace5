import type { ProtocolVersion, ServerPacket } from "../../src/core/packet.ts";
import { answerSize, writeAnswer } from "../../src/wire/answer.ts";

/** The bytes of a packet of the broker. */
export function answerBytes(packet: ServerPacket, version: ProtocolVersion): Uint8Array {
  const bytes = new Uint8Array(answerSize(packet, version));
  const written = writeAnswer(bytes, 0, packet, version);
  if (written !== bytes.length)
    throw new Error(`${written} B written, ${bytes.length} B announced`);
  return bytes;
}
