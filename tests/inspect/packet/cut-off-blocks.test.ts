import { expect, test } from "bun:test";
import { packetTree } from "../../../src/inspect/packet/packet.ts";
import type { PacketNode } from "../../../src/inspect/packet/node.ts";
import { text } from "../../wire/frames.ts";

function ends(nodes: readonly PacketNode[]): number[] {
  return nodes.flatMap(({ offset, length, children }) => [offset + length, ...ends(children)]);
}

test("an unknown property in a block that is cut off: nothing lies beyond the present bytes", () => {
  // Announces 128 bytes of properties, of which two are present; the first is no property.
  const bytes = Uint8Array.from([0x10, 0xff, 1, ...text("MQTT"), 5, 2, 0, 60, 0x80, 1, 5, 0]);
  const [tree] = packetTree(bytes, { protocol: "auto" });
  expect(Math.max(...ends(tree?.nodes ?? []))).toBe(bytes.length);
  expect(tree?.violations.map(({ statement }) => statement)).toEqual(["v5-2.2.2.2"]);
  expect(tree?.missing).toBe(241);
});
