import type { Colors } from "picocolors/types.js";
import { protocolName } from "../../core/packet.ts";
import { counted } from "../../log/counted.ts";
import { folded, startOf } from "../../log/columns.ts";
import { singleQuoted } from "../../log/foreign.ts";
import {
  bytesText,
  type PacketNode,
  type PacketTree,
  type ProtocolBy,
  type Violation,
} from "./node.ts";

export interface PacketTextStyle {
  /** Width of the terminal. */
  readonly columns: number;
  /** From picocolors' `createColors`. */
  readonly colors: Colors;
}

/** Bytes of a field shown on a line. */
const shownBytes = 6;
/** Two digits per byte, spaces between, and two dots if cut. */
const hexWidth = shownBytes * 3 + 1;
const lineMax = 120;
/** A narrower terminal has no column of bytes. */
const bytesFrom = 60;
const lineMin = 32;

/** The packets of one connection, with a title and notes above them. */
export interface TextSection {
  readonly title: string | null;
  readonly notes: readonly string[];
  readonly trees: readonly PacketTree[];
}

/** Packets as text: a line for each field, its violations below it, and their count at the end. */
export function packetTreeText(trees: readonly PacketTree[], style: PacketTextStyle): string {
  return sectionsText([{ title: null, notes: [], trees }], style);
}

/** The packets of several connections, with one count at the end. */
export function sectionsText(sections: readonly TextSection[], style: PacketTextStyle): string {
  const trees = sections.flatMap((section) => section.trees);
  if (trees.length === 0) return "There are no bytes.\n";
  const ends = trees.map(({ offset, length }) => offset + length);
  const sheet = new Sheet(style, Math.max(3, String(ends.reduce((a, b) => Math.max(a, b))).length));
  const parts = sections.flatMap((section) => [
    ...sheet.above(section),
    ...section.trees.map((tree) =>
      [sheet.heading(tree), ...tree.nodes.flatMap((node) => sheet.node(node, 0))].join("\n"),
    ),
  ]);
  const violations = trees.flatMap((tree) => tree.violations);
  const cut = cutText(trees);
  const hides = trees.some(({ nodes }) => hasHidden(nodes));
  const hidden = hides
    ? " Passwords and Authentication Data are hidden (--secrets shows them)."
    : "";
  return `${[...parts, sheet.closing(violations, cut + hidden)].join("\n\n")}\n`;
}

class Sheet {
  readonly #columns: number;
  readonly #colors: Colors;
  readonly #offsetWidth: number;
  /** Width of the column of bytes and flags; 0: no such column. */
  readonly #hexWidth: number;

  constructor({ columns, colors }: PacketTextStyle, offsetWidth: number) {
    this.#columns = Math.max(lineMin, Math.min(columns, lineMax));
    this.#colors = colors;
    this.#offsetWidth = offsetWidth;
    this.#hexWidth = columns < bytesFrom ? 0 : hexWidth + 1;
  }

  /** The title and the notes of a connection; empty if it has neither. */
  above({ title, notes }: TextSection): string[] {
    const head = title === null ? [] : this.#wrap(title, 0).map((line) => this.#colors.bold(line));
    const lines = notes.flatMap((note) => this.#wrap(`${note}.`, 0));
    return head.length + lines.length === 0 ? [] : [[...head, ...lines].join("\n")];
  }

  heading(tree: PacketTree): string {
    const { note } = tree;
    if (note !== undefined) return this.#wrap(note, 0).join("\n");
    const { type, offset, length, missing, protocol, protocolBy, from } = tree;
    const bytes = bytesText(length);
    const size =
      missing === null
        ? `${bytes} at offset ${offset}, of a length that can't be read`
        : `${missing === 0 ? bytes : `${length} of ${length + missing} bytes`} at offset ${offset}`;
    const sender = from === null ? "" : ` from a ${from}`;
    const spoken =
      protocolBy === "fits all"
        ? "the same in MQTT 3.1, 3.1.1 and 5.0"
        : `MQTT ${protocolName[protocol]} (${byText[protocolBy]})`;
    const head = `${type}${sender}, ${size}, ${spoken}`;
    return this.#wrap(head, 0)
      .map((line) => this.#colors.bold(line))
      .join("\n");
  }

  node(node: PacketNode, depth: number): string[] {
    return [
      this.#field(node, depth),
      ...node.violations.flatMap((violation) => this.#violation(violation, depth)),
      ...node.children.flatMap((child) => this.node(child, depth + 1)),
    ];
  }

  /** `  12  00 03 61 2f 62     Topic Name: 'a/b'`. */
  #field(node: PacketNode, depth: number): string {
    const { colors } = { colors: this.#colors };
    const isFlag = node.bits !== null;
    const offset = isFlag ? "" : String(node.offset);
    const hex = this.#hexWidth === 0 ? "" : hexText(node).padEnd(this.#hexWidth);
    const left = `${offset.padStart(this.#offsetWidth)}  ${hex}`;
    const indent = "  ".repeat(depth);
    const room = this.#columns - left.length - indent.length;
    const words = startOf(wordsOf(node), room);
    const isGroup = node.hex === null && !isFlag;
    return `${colors.dim(left)}${indent}${isGroup ? colors.bold(words) : words}`.trimEnd();
  }

  #violation({ statement, detail }: Violation, depth: number): string[] {
    const margin = this.#offsetWidth + 2 + this.#hexWidth + depth * 2;
    return this.#wrap(`! ${detail} [${statement}]`, margin).map(
      (line, index) => " ".repeat(margin) + this.#colors.red(index === 0 ? line : `  ${line}`),
    );
  }

  /** The coloured count fits the first line at any width; the colour takes no columns. */
  closing(violations: readonly Violation[], more: string): string {
    const count = counted(violations.length, "violation");
    const statements = [...new Set(violations.map(({ statement }) => statement))].join(", ");
    const isNone = violations.length === 0;
    const head = isNone ? "No violation." : count;
    const [first = "", ...rest] = this.#wrap(head + (isNone ? more : `: ${statements}.${more}`), 0);
    const paint = isNone ? this.#colors.green : this.#colors.red;
    return [paint(head) + first.slice(head.length), ...rest].join("\n");
  }

  /** Lines that fit after `margin`. */
  #wrap(text: string, margin: number): string[] {
    return folded(text, this.#columns - margin - 2);
  }
}

const byText: Readonly<Record<Exclude<ProtocolBy, "fits all">, string>> = {
  asked: "by -V",
  CONNECT: "by its CONNECT",
  fits: "a guess: fewer violations than the other",
  "fits both": "a guess: 3.1.1 fits equally well",
};

function cutText(trees: readonly PacketTree[]): string {
  const cut = trees.filter(({ missing }) => missing !== 0);
  if (cut.length === 0) return "";
  if (cut.length === 1 && cut[0] === trees.at(-1)) return " The last packet is incomplete.";
  return ` ${cut.length === 1 ? "1 packet is" : `${cut.length} packets are`} incomplete.`;
}

function hasHidden(nodes: readonly PacketNode[]): boolean {
  return nodes.some(({ hidden, children }) => hidden === true || hasHidden(children));
}

function hexText({ bits, hex, hidden, length }: PacketNode): string {
  if (bits !== null) return bits;
  if (hex === null) return "";
  const shown = hex.slice(0, shownBytes * 2).replace(/..(?=.)/g, "$& ");
  if (hidden === true) return `${shown} ..`.trim();
  return length > shownBytes ? `${shown}..` : shown;
}

function wordsOf({ name: field, value, meaning, hex, hidden, bits, children }: PacketNode): string {
  // The flags show the byte's value.
  const text = children.length > 0 ? null : valueText(value);
  const data = text === null && hex !== null && bits === null ? printable(hex, field) : null;
  const told = text ?? data;
  const more = hidden === true ? "hidden" : null;
  const note = [meaning, more].filter((word) => word !== null).join(", ");
  if (told === null) return note === "" ? field : `${field}: ${note}`;
  return note === "" ? `${field}: ${told}` : `${field}: ${told} (${note})`;
}

function valueText(value: PacketNode["value"]): string | null {
  if (value === null) return null;
  if (typeof value === "boolean") return value ? "1" : "0";
  return typeof value === "number" ? String(value) : singleQuoted(value);
}

/** Binary data as text if it is UTF-8; never a password. */
function printable(hex: string, field: string): string | null {
  const isPayload = field === "Application Message";
  if (!isPayload && field !== "Will Payload") return null;
  const digits = isPayload ? hex : hex.slice(4);
  if (digits === "") return null;
  const bytes = Uint8Array.from({ length: digits.length / 2 }, (_, at) =>
    Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16),
  );
  try {
    return singleQuoted(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}
