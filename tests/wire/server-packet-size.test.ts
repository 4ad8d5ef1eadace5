import { expect, test } from "bun:test";
import { packetSize } from "../../src/core/packet-size.ts";
import type { ServerPacket } from "../../src/core/packet.ts";
import { Reason } from "../../src/core/reason.ts";
import { answerBytes } from "./answer-bytes.ts";

const connack = { type: "connack", sessionPresent: true, reason: Reason.success } as const;
const text = (length: number): string => "\u00e9".repeat(length);

/** Every kind of packet, and lengths on both sides of a step of their encoding. */
const packets: ServerPacket[] = [
  { type: "pingresp" },
  { ...connack, properties: null },
  { ...connack, properties: {} },
  ...[1, 55, 60, 61, 62, 8000, 8190, 8192].map((length) => ({
    ...connack,
    properties: { reasonString: text(length) },
  })),
  {
    ...connack,
    properties: {
      sessionExpiryInterval: 1,
      receiveMaximum: 2,
      maximumQos: 1,
      retainAvailable: false,
      maximumPacketSize: 3,
      assignedClientIdentifier: "auto",
      topicAliasMaximum: 4,
      reasonString: "why",
      serverKeepAlive: 5,
    },
  },
  ...(["puback", "pubrec", "pubrel", "pubcomp"] as const).flatMap((type) =>
    ([0, 0x92] as const).map((reason) => ({ type, packetId: 1, reason })),
  ),
  ...[1, 124, 125, 16_380, 16_381].flatMap((count) =>
    (["suback", "unsuback"] as const).map((type) => ({
      type,
      packetId: 1,
      reasons: Array<number>(count).fill(0),
    })),
  ),
  ...[null, "", text(1), text(61), text(62), text(8190)].map((reasonString) => ({
    type: "disconnect" as const,
    reason: Reason.protocolError,
    reasonString,
  })),
];

test("the core knows the size of every packet that the wire writes", () => {
  const written = packets.map((packet) => answerBytes(packet, 5).length);
  expect(packets.map((packet) => packetSize(packet))).toEqual(written);
});
