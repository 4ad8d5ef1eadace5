import type { PacketNode, PacketTree } from "../../src/inspect/packet/node.ts";
import { packetTree } from "../../src/inspect/packet/packet.ts";
import type { Segment, Trace } from "./measurement.ts";

/** The most bytes shown of a packet. */
const shownBytes = 24;

/** The most lines shown of a run. */
const shownLines = 40;

/**
 * One line for each packet or end: time, connection, sender, packet, bytes. Without `shown`, the lines
 * begin at the CONNECT of the client that dies.
 */
export function transcriptLines({ protocol, segments, shown }: Trace): string[] {
  const lines = segments.flatMap((segment) => {
    const seconds = (segment.at / 1000).toFixed(3).padStart(8);
    const arrow = segment.from === "client" ? "->" : "<-";
    const place = `${seconds} s  ${segment.connection} ${arrow} `;
    const texts =
      segment.bytes === undefined
        ? [`${segment.end}`]
        : packetLines(segment, protocol === "5" ? 5 : 4);
    return texts.map((text) => ({ at: segment.at, line: `${place}${text}` }));
  });
  const victim = lines.find(({ line }) => line.includes("will topic"))?.at ?? 0;
  const [from, until] = shown ?? [victim, Infinity];
  const picked = lines.filter(({ at }) => at >= from && at <= until).map(({ line }) => line);
  const more = picked.length - shownLines;
  return more > 0 ? [...picked.slice(0, shownLines), `and ${more} more lines`] : picked;
}

function packetLines({ bytes: hex = "", from }: Segment, protocol: 4 | 5): string[] {
  const bytes = Buffer.from(hex, "hex");
  const trees = packetTree(bytes, { protocol, from: from === "client" ? "client" : "server" });
  return trees.map((tree) => {
    const own = bytes.subarray(tree.offset, tree.offset + tree.length);
    return `${hexText(own)}  ${packetWords(tree)}`;
  });
}

function hexText(bytes: Buffer): string {
  const digits = [...bytes.subarray(0, shownBytes)].map((byte) =>
    byte.toString(16).padStart(2, "0"),
  );
  return `${digits.join(" ")}${bytes.length > shownBytes ? ` ... (${bytes.length} bytes)` : ""}`;
}

/** The prefix of a run's topics and client ids: random, and common to all of them. */
const drawn = /mqttd-drop([-/])[0-9a-f]{8}\1[a-z0-9-]+\1v\d/;

/** The fields shown of a packet, and their short names. */
const told: Readonly<Record<string, string>> = {
  "Client Identifier": "id",
  "Clean Session": "clean session",
  "Clean Start": "clean start",
  "Keep Alive": "keepalive",
  "Session Expiry Interval": "session expiry",
  "Will Topic": "will topic",
  "Will Payload": "will",
  "Will QoS": "will QoS",
  "Will Retain": "will retain",
  "Will Delay Interval": "will delay",
  "Session Present": "session present",
  "Reason Code": "reason",
  "Return Code": "code",
  "Topic Name": "topic",
  "Topic Filter": "filter",
  "Application Message": "payload",
  QoS: "QoS",
  RETAIN: "retain",
};

function packetWords(tree: PacketTree): string {
  const fields = flat(tree.nodes).flatMap((node) => {
    const short = told[node.name];
    const value = valueText(node);
    if (short === undefined || value === null) return [];
    return value === "" ? short : `${short} ${value.replace(drawn, "...")}`;
  });
  const missing =
    tree.missing === null || tree.missing === 0 ? "" : `, ${tree.missing} bytes missing`;
  return [tree.type, ...fields].join(", ") + missing;
}

/** Null: nothing to show (0, off, absent); empty: its name is enough. */
function valueText({ name, value, hex }: PacketNode): string | null {
  if (value === true) return "";
  if (value === 0 || value === false) return null;
  if (name.endsWith("Code")) return `0x${Number(value).toString(16).padStart(2, "0")}`;
  if (value !== null) return `${value}`.replaceAll(/\p{Cc}/gu, escaped);
  // Binary data; in a CONNECT it begins with its length.
  const bytes = Buffer.from((hex ?? "").slice(name === "Will Payload" ? 4 : 0), "hex");
  if (bytes.length === 0) return null;
  const text = bytes.toString("latin1");
  return /^[ -~]{1,100}$/.test(text) ? `'${text}'` : `of ${bytes.length} bytes`;
}

/** `\u0000`: a topic of `invalid-will` must not reach a page as it is. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function flat(nodes: readonly PacketNode[]): PacketNode[] {
  return nodes.flatMap((node) => [node, ...flat(node.children)]);
}
