import fc from "fast-check";
import type { IPublishPacket, Packet } from "mqtt-packet";
import { generate, parser } from "mqtt-packet";
import type { ProtocolVersion } from "../../src/core/packet.ts";

/**
 * Random valid values of the fields, and mqtt-packet as the oracle, which shares no code with the
 * broker.
 */

export const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
export const qos = fc.constantFrom<0 | 1 | 2>(0, 1, 2);
export const packetId = fc.integer({ min: 1, max: 0xffff });
export const seconds = fc.integer({ min: 0, max: 0xffff_ffff });

/** Text that a UTF-8 Encoded String may contain, of one to four bytes a character. */
export const string = fc
  .oneof(
    fc.string({ maxLength: 20 }),
    fc.string({ unit: "binary", maxLength: 20 }),
    fc.string({ unit: fc.constantFrom("é", "€", "𝄞", "\u{feff}", "/", "a"), maxLength: 20 }),
  )
  .map((value) => value.replaceAll("\0", ""));

export const topic = string
  .map((value) => value.replaceAll(/[+#]/g, ""))
  .filter((value) => value !== "");

const level = fc.oneof(
  fc.constant("+"),
  topic.map((value) => value.replaceAll("/", "")),
);
export const filter = fc
  .tuple(fc.array(level, { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([levels, all]) => [...levels, ...(all ? ["#"] : [])].join("/"))
  .filter((value) => value !== "" && !value.startsWith("$share"));

export const bytes = fc
  .uint8Array({ maxLength: 200 })
  .map((value) => Buffer.from(value.buffer, value.byteOffset, value.byteLength));

/** Distinct names that are no numbers, whose order a plain object would not keep. */
export const userProperties = fc.dictionary(
  string.filter((value) => !/^\d+$/.test(value) && value !== "__proto__"),
  string,
  { minKeys: 1, maxKeys: 4 },
);

type PublishProperties = NonNullable<IPublishPacket["properties"]>;

export const publishProperties: fc.Arbitrary<PublishProperties> = fc.record(
  {
    messageExpiryInterval: seconds,
    topicAlias: packetId,
    responseTopic: topic,
    correlationData: bytes,
    userProperties,
    contentType: string,
  },
  { requiredKeys: [] },
);

export function encoded(packet: Packet, spoken: ProtocolVersion): Uint8Array {
  return new Uint8Array(generate(packet, { protocolVersion: spoken }));
}

/** mqtt-packet's reading of bytes that must be exactly one packet. */
export function parsed(frame: Uint8Array, spoken: ProtocolVersion): Packet {
  const packets: Packet[] = [];
  const parse = parser({ protocolVersion: spoken });
  parse.on("packet", (packet) => packets.push(packet));
  parse.on("error", (error) => {
    throw error;
  });
  const rest = parse.parse(Buffer.from(frame));
  const [packet] = packets;
  if (packet === undefined || packets.length > 1 || rest > 0) throw new Error("not one packet");
  return packet;
}
