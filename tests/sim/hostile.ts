import type { EndCause } from "../../src/core/end-causes.ts";
import type { Connection, Item } from "./connection.ts";
import type { WorldDice } from "./world-dice.ts";

interface Wrong {
  readonly bytes: Uint8Array;
  readonly item: Partial<Item>;
}

/**
 * A packet that breaks a rule of the standard, with the right ends. `isFirst`: sent in place of
 * CONNECT.
 */
export function breakRules(
  dice: WorldDice,
  version: 3 | 4 | 5,
  isFirst: boolean,
  connection: Connection,
  aliasesMax: number,
): Wrong {
  if (isFirst) return dice.pick(firstWrongs)(dice, version);
  // Few clients that break rules have asked for an interval of 0, and only they can do this.
  if (version === 5 && mayNotRaise(connection) && dice.happens(0.5)) return raises(connection);
  const wrongs = version === 5 ? [...commonWrongs, ...wrongsOfV5] : commonWrongs;
  return dice.pick(wrongs)(dice, version, connection, aliasesMax);
}

type Make = (
  dice: WorldDice,
  version: 3 | 4 | 5,
  connection: Connection,
  aliasesMax: number,
) => Wrong;

const invalidTopics = ["", "a/#", "+", "a\0b"];

const firstWrongs: readonly ((dice: WorldDice, version: 3 | 4 | 5) => Wrong)[] = [
  // PINGREQ, PUBLISH, and bytes that are no packet, before CONNECT.
  () => wrong([0xc0, 0], ["protocolError"]),
  () => wrong([0x30, 5, 0, 1, 0x74, 0x68, 0x69], ["protocolError"]),
  () => wrong([0x00, 0], ["protocolError", "malformedPacket"]),
  (dice) => noise(dice),
  // A CONNECT too large to be read: the answer depends on its level.
  (_, version) =>
    wrong(
      [0x10, 0xff, 0xff, 0xff, 0x7f, 0, 4, 0x4d, 0x51, 0x54, 0x54, version, 2],
      ["packetTooLarge", "refused"],
    ),
  () => wrong([0x10, 0xff, 0xff, 0xff, 0xff, 0x01], ["malformedPacket", "refused"]),
  // An unknown level gets an answer.
  () => wrong([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 9, 2, 0, 0, 0, 1, 0x78], ["refused"]),
  (dice, version) => invalidWill(dice, version),
];

/** A will on a topic that no PUBLISH may have, or with an impossible QoS. */
function invalidWill(dice: WorldDice, version: 3 | 4 | 5): Wrong {
  const topic = Buffer.from(dice.pick(invalidTopics));
  const name = version === 3 ? "MQIsdp" : "MQTT";
  const isQos3 = dice.happens(0.2);
  const body = [
    ...text(Buffer.from(name)),
    version,
    isQos3 ? 0x1e : 0x06,
    0,
    30,
    ...(version === 5 ? [0] : []),
    ...text(Buffer.from(`bad${dice.below(100)}`)),
    ...(version === 5 ? [0] : []),
    ...text(isQos3 ? Buffer.from("w/bad") : topic),
    ...text(Buffer.from("m1;")),
  ];
  // Some limits on a CONNECT are below even these.
  const causes = ["refused", "malformedPacket", "protocolError", "packetTooLarge"] as const;
  return wrong([0x10, body.length, ...body], causes);
}

const commonWrongs: readonly Make[] = [
  // A second CONNECT.
  () => wrong([0x10, 13, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 1, 0x78], ["protocolError"]),
  // Reserved flags, QoS 3, a server's packets, an unknown packet type.
  (_, version) =>
    // 3.1 has no reserved flags, but the QoS of a PUBREL.
    wrong(version === 3 ? [0x60, 2, 0, 1] : [0xc1, 0], ["malformedPacket", "protocolError"]),
  () => wrong([0x36, 5, 0, 1, 0x74, 0, 1], ["malformedPacket", "protocolError"]),
  () => wrong([0xd0, 0], ["protocolError", "malformedPacket"]),
  () => wrong([0x20, 2, 0, 0], ["protocolError", "malformedPacket"]),
  () => wrong([0x00, 0], ["protocolError", "malformedPacket"]),
  // Packet id 0, DUP with QoS 0, a length without an end, an invalid topic.
  () => wrong([0x82, 6, 0, 0, 0, 1, 0x74, 0], ["protocolError", "malformedPacket"]),
  () => wrong([0x38, 4, 0, 1, 0x74, 0], ["protocolError", "malformedPacket"]),
  () => wrong([0x30, 0xff, 0xff, 0xff, 0xff], ["malformedPacket", "packetTooLarge"]),
  () => wrong([0x30, 5, 0, 2, 0x74, 0x23, 0], ["protocolError", "malformedPacket"]),
  () => wrong([0x30, 5, 0, 2, 0xc3, 0x28, 0], ["protocolError", "malformedPacket"]),
  // Above every limit: the header alone is enough.
  () => wrong([0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 0x74], ["packetTooLarge"]),
  (dice) => noise(dice),
  // Answers that nothing waits for; by the referee's books they change nothing, or are a protocol
  // error.
  (dice, version) => stray(dice, version),
  (dice, version) => stray(dice, version),
];

const wrongsOfV5: readonly Make[] = [
  // A Session Expiry Interval that DISCONNECT raises from 0, AUTH, an alias of 0.
  (_, __, connection) => raises(connection),
  () => wrong([0xf0, 2, 0x18, 0], ["protocolError", "malformedPacket"]),
  () => wrong([0x30, 7, 0, 1, 0x74, 3, 0x23, 0, 0], ["protocolError", "malformedPacket"]),
  // A repeated property, and one that a PUBLISH cannot have.
  () => wrong([0x30, 8, 0, 1, 0x74, 4, 0x01, 1, 0x01, 1], ["protocolError", "malformedPacket"]),
  () => wrong([0x30, 9, 0, 1, 0x74, 5, 0x11, 0, 0, 0, 1], ["protocolError", "malformedPacket"]),
  // An undefined alias, or one above the maximum in CONNACK.
  (_, __, ___, aliasesMax) => {
    const alias = aliasesMax + 1;
    return packet([0x30, 6, 0, 0, 3, 0x23, alias >> 8, alias & 255], {
      type: "publish",
      topic: "",
    });
  },
];

/** It has asked for a Session Expiry Interval of 0, or for none. */
function mayNotRaise({ ask }: Connection): boolean {
  return (ask?.expiry ?? 0) === 0;
}

function raises(connection: Connection): Wrong {
  if (!mayNotRaise(connection)) return wrong([0xe1, 0], ["malformedPacket", "protocolError"]);
  return packet([0xe0, 7, 0, 5, 0x11, 0, 0, 0, 9], { type: "disconnect" });
}

function stray(dice: WorldDice, version: 3 | 4 | 5): Wrong {
  const packetId = dice.between(1, 12);
  const [type, first] = dice.pick([
    ["puback", 0x40],
    ["pubrec", 0x50],
    ["pubrel", 0x62],
    ["pubcomp", 0x70],
  ] as const);
  const isRefusal = version === 5 && type === "pubrec" && dice.happens(0.5);
  const bytes = isRefusal ? [first, 3, 0, packetId, 0x80] : [first, 2, 0, packetId];
  return packet(bytes, { type, packetId });
}

/** The first byte is that of no packet type, so that the bytes cannot form one by chance. */
function noise(dice: WorldDice): Wrong {
  const bytes = Array.from({ length: dice.between(2, 40) }, () => dice.below(256));
  bytes[0] = dice.below(16);
  return wrong(bytes, ["malformedPacket", "protocolError"]);
}

function wrong(bytes: readonly number[], causes: readonly EndCause[]): Wrong {
  return { bytes: Uint8Array.from(bytes), item: { causes } };
}

function packet(bytes: readonly number[], item: Partial<Item>): Wrong {
  return { bytes: Uint8Array.from(bytes), item };
}

function text(bytes: Uint8Array): number[] {
  return [bytes.length >> 8, bytes.length & 255, ...bytes];
}
