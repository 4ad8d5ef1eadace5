import type { Dice } from "../support/dice.ts";

/** Values for the fields of packets: few sound ones, so that clients collide, and many others. */

export const clientIds = ["a", "a", "b", "b", "c", "dev-1001", "dev-1002"];
const topics = ["t", "t/u", "t/u/v", "w", "/", "$internal"];
const filters = ["#", "t", "t/+", "+/u/#", "w", "$share/g/t", "$share/g/#", "$SYS/#"];

const hostileTexts: readonly Uint8Array[] = [
  "",
  "\u0000",
  "a\u0000b",
  "+",
  "#",
  "a#",
  "a/#/b",
  "+a",
  "$SYS/x",
  "$share",
  "$share/",
  "$share//t",
  "$share/g/",
  "$share/+/t",
  "$share/g#/t",
  "\ufeff",
  "\uffff",
  "\u007f\u0085",
  "\u001b[31m\r\n",
  "\u202eevil\u2028",
  "__proto__",
  "constructor",
  "refused",
  "/".repeat(300),
  "a/".repeat(60),
  "é€𝄞",
  "x".repeat(2000),
]
  .map((text) => new TextEncoder().encode(text))
  .concat(
    [
      [0xff],
      [0xc0, 0x80],
      [0xc1, 0xbf],
      [0xe0, 0x80, 0xaf],
      [0xed, 0xa0, 0x80],
      [0xed, 0xbf, 0xbf],
      [0xf0, 0x80, 0x80, 0x80],
      [0xf4, 0x90, 0x80, 0x80],
      [0xf8, 0x88, 0x80, 0x80, 0x80],
      [0xe2, 0x82],
      [0x61, 0x80, 0x62],
    ].map((bytes) => Uint8Array.from(bytes)),
  );

/** Values for the field of that name in `inspect packet`. */
export function soundText(dice: Dice, field: string): Uint8Array {
  const encoder = new TextEncoder();
  if (field === "Client Identifier") return encoder.encode(dice.pick(clientIds));
  if (field === "Topic Filter") return encoder.encode(dice.pick(filters));
  if (field.includes("Topic")) return encoder.encode(dice.pick(topics));
  if (field === "User Name") return encoder.encode(dice.pick(["u", "u", "refused"]));
  return encoder.encode("x".repeat(dice.pick([0, 1, 5, 40, 300])));
}

export function hostileText(dice: Dice): Uint8Array {
  return dice.chance(85) ? dice.pick(hostileTexts) : dice.bytes(dice.below(12));
}

/** Properties that a client may send, by packet name; the first are the usual ones. */
const ownIdentifiers: Readonly<Record<string, readonly number[]>> = {
  CONNECT: [0x11, 0x21, 0x22, 0x27, 0x17, 0x19, 0x26],
  PUBLISH: [0x01, 0x02, 0x23, 0x08, 0x09, 0x03, 0x26],
  SUBSCRIBE: [0x0b, 0x26],
  UNSUBSCRIBE: [0x26],
  DISCONNECT: [0x11, 0x1f, 0x26],
  AUTH: [0x15, 0x16, 0x1f, 0x26],
  will: [0x18, 0x01, 0x02, 0x03, 0x08, 0x09, 0x26],
};

/** A property that a packet of that name may have and does not have yet. */
export function soundProperty(dice: Dice, packet: string): number[] {
  return property(dice, dice.pick(ownIdentifiers[packet] ?? [0x1f, 0x26]));
}

/** Any defined property, and some undefined ones. */
export function anyProperty(dice: Dice): number[] {
  return property(dice, dice.chance(92) ? dice.pick(identifiers) : dice.below(256));
}

/** With a value of its type, or nearly. */
function property(dice: Dice, identifier: number): number[] {
  const kind = kinds.get(identifier) ?? dice.pick(["byte", "two", "four", "text"] as const);
  switch (kind) {
    case "byte":
      return [identifier, dice.pick([0, 1, 2, 255])];
    case "two":
      return [
        identifier,
        ...dice.pick([
          [0, 0],
          [0, 1],
          [0, 2],
          [0, 9],
          [255, 255],
        ]),
      ];
    case "four":
      return [
        identifier,
        ...dice.pick([
          [0, 0, 0, 0],
          [0, 0, 0, 1],
          [0, 0, 0, 60],
          [0, 0, 0x1c, 0x20],
          [0, 0, 14, 16],
          [255, 255, 255, 255],
        ]),
      ];
    case "variable":
      return [identifier, ...dice.pick([[0], [1], [0x80, 0], [0x80, 1], [255, 255, 255, 127]])];
    case "pair":
      return [identifier, ...counted(someText(dice)), ...counted(someText(dice))];
    default:
      return [identifier, ...counted(someText(dice))];
  }
}

function someText(dice: Dice): Uint8Array {
  return dice.chance(70) ? soundText(dice, dice.pick(["", "Topic"])) : hostileText(dice);
}

export function counted(bytes: Uint8Array): number[] {
  const { length } = bytes;
  return [(length >> 8) & 0xff, length & 0xff, ...bytes];
}

type Kind = "byte" | "two" | "four" | "variable" | "text" | "pair";

/** By identifier: section 2.2.2.2 of MQTT 5.0. */
const kinds: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  ...[0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a].map((id) => [id, "byte"] as const),
  ...[0x13, 0x21, 0x22, 0x23].map((id) => [id, "two"] as const),
  ...[0x02, 0x11, 0x18, 0x27].map((id) => [id, "four"] as const),
  ...[0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1a, 0x1c, 0x1f].map((id) => [id, "text"] as const),
  [0x0b, "variable"],
  [0x26, "pair"],
]);
const identifiers = [...kinds.keys()];
