import type { ProtocolVersion } from "../../src/core/packet.ts";
import { packetTree } from "../../src/inspect/packet/packet.ts";
import type { PacketNode } from "../../src/inspect/packet/node.ts";
import type { Dice } from "../support/dice.ts";
import { anyProperty, counted, hostileText, soundProperty, soundText } from "./strings.ts";

/** Bytes that replace others in a packet. */
interface Edit {
  readonly at: number;
  readonly length: number;
  readonly by: readonly number[];
}

/**
 * The kind of a mutation: `sound` values are valid in their place, `hostile` ones mostly are not.
 */
export type Intent = "sound" | "hostile";

/**
 * Changes one thing about a packet; the walk of `inspect packet` locates its fields. Mostly
 * corrects the lengths around the change, so that the code behind the framing sees it.
 */
export function mutatePacket(
  dice: Dice,
  packet: Uint8Array,
  version: ProtocolVersion,
  intent: Intent,
): Uint8Array {
  const [tree] = packetTree(packet, { protocol: version });
  const nodes = (tree?.nodes ?? []).flatMap(flat).filter(({ length }) => length > 0);
  const edit =
    intent === "sound"
      ? soundEdit(dice, packet, nodes, tree?.type ?? "")
      : hostileEdit(dice, packet, nodes);
  if (edit === null) return packet;
  const mended = intent === "sound" || dice.chance(85);
  const edited = apply(packet, edit);
  return mended ? withLengths(edited, packet, nodes, edit) : edited;
}

/** Without flags, which are part of a byte. */
function flat(node: PacketNode): PacketNode[] {
  return node.bits !== null ? [] : [node, ...node.children.flatMap(flat)];
}

/** Another possible value of the field. */
function soundEdit(
  dice: Dice,
  packet: Uint8Array,
  nodes: readonly PacketNode[],
  type: string,
): Edit | null {
  const able = nodes.filter(
    (node) =>
      (isCounted(packet, node) && node.name !== "Protocol Name") ||
      node.name in soundValues ||
      node.name.endsWith("Properties"),
  );
  if (able.length === 0) return null;
  const node = dice.pick(able);
  const { offset: at, length, name } = node;
  if (name === "Properties") return inserted(node, soundProperty(dice, type));
  if (name === "Will Properties") return inserted(node, soundProperty(dice, "will"));
  const values = soundValues[name];
  if (values === undefined) return { at, length, by: counted(soundText(dice, name)) };
  return { at, length, by: bytesOf(dice.pick(values), length) };
}

/** Keyed by the names in `inspect packet`. Few packet ids, so that exchanges collide. */
const soundValues: Readonly<Record<string, readonly number[]>> = {
  "Packet Identifier": [1, 1, 2, 3, 4],
  "Keep Alive": [0, 1, 10, 60],
  "Topic Alias": [1, 2, 3],
  "Receive Maximum": [1, 2, 3, 65_535],
  "Topic Alias Maximum": [0, 1, 2, 65_535],
  "Maximum Packet Size": [20, 40, 100, 4096],
  "Session Expiry Interval": [0, 1, 60, 7200, 0xffff_ffff],
  "Will Delay Interval": [0, 1, 60, 7200, 0xffff_ffff],
  "Message Expiry Interval": [0, 1, 60, 0xffff_ffff],
  "Reason Code": [0, 0, 4, 0x80, 0x93],
  "Subscription Options": [0, 1, 2, 4, 8, 0x11, 0x22, 0x2e],
};

function hostileEdit(dice: Dice, packet: Uint8Array, nodes: readonly PacketNode[]): Edit | null {
  if (nodes.length === 0 || dice.chance(10)) return rawEdit(dice, packet);
  const node = dice.pick(nodes);
  const { offset: at, length, name } = node;
  if (name === "Properties" || name === "Will Properties") {
    const count = dice.weighted([
      [8, 1],
      [2, 2],
      [1, 100],
    ]);
    return inserted(node, Array.from({ length: count }, () => anyProperty(dice)).flat());
  }
  if (name.endsWith("Length") || name === "Subscription Identifier") {
    return { at, length, by: dice.pick(hostileIntegers) };
  }
  const own = [...packet.subarray(at, at + length)];
  if (node.children.length > 0 && node.children.every(({ bits }) => bits === null)) {
    const times = dice.weighted([
      [3, 0],
      [4, 2],
      [1, 50],
    ]);
    return { at, length, by: Array.from({ length: times }, () => own).flat() };
  }
  if (isCounted(packet, node)) {
    if (dice.chance(70)) return { at, length, by: counted(hostileText(dice)) };
    const lie = dice.pick([0, 1, length - 1, length - 3, 255, 65_535]);
    return { at, length: 2, by: bytesOf(Math.max(0, lie), 2) };
  }
  if (length <= 4) return { at, length, by: bytesOf(hostileNumber(dice, own), length) };
  return { at, length, by: dice.chance(50) ? [] : [...own, ...own] };
}

function rawEdit(dice: Dice, packet: Uint8Array): Edit {
  const at = dice.below(packet.length);
  return dice.pick([
    { at, length: 1, by: [(packet[at] ?? 0) ^ (1 << dice.below(8))] },
    { at, length: 1, by: [dice.below(256)] },
    { at, length: 0, by: [...dice.bytes(dice.between(1, 4))] },
    { at, length: dice.between(1, 4), by: [] },
    { at, length: packet.length - at, by: [] },
    { at: packet.length, length: 0, by: [...dice.bytes(dice.between(1, 4))] },
  ]);
}

/** After the block's length. */
function inserted(block: PacketNode, property: readonly number[]): Edit {
  const [length] = block.children;
  return { at: block.offset + (length?.length ?? 0), length: 0, by: property };
}

const hostileIntegers: readonly (readonly number[])[] = [
  [0],
  [1],
  [0x7f],
  [0x80, 0x00],
  [0x80, 0x01],
  [0xff, 0x7f],
  [0x80, 0x80, 0x01],
  [0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x00],
  [0xff, 0xff, 0xff, 0xff, 0x01],
];

function hostileNumber(dice: Dice, own: readonly number[]): number {
  const value = own.reduce((sum, byte) => sum * 256 + byte, 0);
  const most = 256 ** own.length - 1;
  const drawn = dice.pick([0, 1, 2, 3, most, most - 1, value + 1, value - 1, value ^ 0x10]);
  return Math.min(most, Math.max(0, dice.chance(15) ? dice.below(most + 1) : drawn));
}

function bytesOf(value: number, length: number): number[] {
  return Array.from(
    { length },
    (_, place) => Math.floor(value / 256 ** (length - 1 - place)) & 0xff,
  );
}

/** Text or binary data after its own length. */
function isCounted(packet: Uint8Array, { offset, length, children }: PacketNode): boolean {
  if (children.length > 0 || length < 2) return false;
  return (packet[offset] ?? 0) * 256 + (packet[offset + 1] ?? 0) === length - 2;
}

function apply(packet: Uint8Array, { at, length, by }: Edit): Uint8Array {
  const rest = packet.subarray(Math.min(packet.length, at + length));
  const edited = new Uint8Array(at + by.length + rest.length);
  edited.set(packet.subarray(0, at));
  edited.set(by, at);
  edited.set(rest, at + by.length);
  return edited;
}

/** Corrects the lengths of everything around the edit, from the inside out. */
function withLengths(
  edited: Uint8Array,
  packet: Uint8Array,
  nodes: readonly PacketNode[],
  { at, length, by }: Edit,
): Uint8Array {
  let grown = by.length - Math.min(length, packet.length - at);
  let result = edited;
  const lengths = nodes
    .filter(({ name }) => name === "Property Length" || name === "Remaining Length")
    .filter((node) => node.offset + node.length <= at)
    .toSorted((a, b) => b.offset - a.offset);
  for (const node of lengths) {
    const end = node.offset + node.length;
    const value = Number(node.value);
    if (node.name === "Property Length" && at > end + value) continue;
    const encoded = variable(Math.max(0, value + grown));
    result = apply(result, { at: node.offset, length: node.length, by: encoded });
    grown += encoded.length - node.length;
  }
  return result;
}

export function variable(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
    rest >>= 7;
  } while (rest > 0);
  return bytes;
}
