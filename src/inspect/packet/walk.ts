import type { ProtocolVersion } from "../../core/packet.ts";
import { decodeText, textFlaw } from "../../wire/utf8.ts";
import { bytesText, type Draft, type Sender } from "./node.ts";

/**
 * A tolerant reader of one packet, next to the strict reader in `wire`: it notes violations at
 * their fields and continues, until a field does not fit into its enclosure. After that, and at the
 * end of the input, reads return null and add no node.
 */
export class Walk {
  readonly bytes: Uint8Array;
  readonly protocol: ProtocolVersion;
  readonly from: Sender;
  /** Show passwords and Authentication Data. */
  readonly secrets: boolean;
  position: number;
  /** The end of the packet, or of the current block of properties. */
  end: number;
  /** Reads return null until `resume`. */
  stopped = false;
  /** The input ends before the packet. */
  incomplete = false;
  /** The packet can carry secrets, so bytes that are not decoded are hidden. */
  guarded = false;
  readonly nodes: Draft[] = [];
  #into: Draft[] = this.nodes;

  constructor(bytes: Uint8Array, start: number, end: number, { protocol, from, secrets }: Reading) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    this.protocol = protocol;
    this.from = from;
    this.secrets = secrets;
  }

  get more(): boolean {
    return !this.stopped && this.position < this.end;
  }

  /** Puts the nodes that `read` adds under one node. */
  group(name: string, read: () => void): Draft {
    const node = this.#push(name, this.position, 0);
    const outer = this.#into;
    this.#into = node.children;
    read();
    this.#into = outer;
    node.length = this.position - node.offset;
    return node;
  }

  /** Continues after a block, readable or not. */
  resume(position: number, end: number): void {
    // The block may end after the input, which an unreadable part of it hides.
    if (position > this.bytes.length) this.incomplete = this.stopped = true;
    this.position = Math.min(position, this.bytes.length);
    this.end = end;
    if (!this.incomplete) this.stopped = false;
  }

  /** Takes statements without their version, and adds it. */
  violate(node: Draft, v4: string, v5: string, detail: string): void {
    const statement = this.protocol === 5 ? `v5-${v5}` : `v4-${v4}`;
    node.violations.push({ statement, detail });
  }

  /** The same for rules that only MQTT 3.1 has, by section. */
  violateV3(node: Draft, section: string, detail: string): void {
    node.violations.push({ statement: `v3-${section}`, detail });
  }

  /** The same for rules with a number in MQTT 5.0 only. */
  violateV5(node: Draft, statement: string, detail: string): void {
    node.violations.push({ statement: `v5-${statement}`, detail });
  }

  /** An unsigned integer of one, two or four bytes. */
  integer(size: 1 | 2 | 4, name: string): Field<number> | null {
    if (!this.#has(size, name)) return null;
    let value = 0;
    // Multiplied, not shifted: four bytes do not fit a signed 32-bit integer.
    for (let at = this.position; at < this.position + size; at++) {
      value = value * 256 + (this.bytes[at] ?? 0);
    }
    return { node: this.#take(name, size, value), value };
  }

  variable(name: string): Field<number> | null {
    if (this.stopped) return null;
    let value = 0;
    for (let size = 1; size <= 4; size++) {
      if (!this.#has(size, name)) return null;
      const part = this.bytes[this.position + size - 1] ?? 0;
      value += (part & 0x7f) * 2 ** ((size - 1) * 7);
      if (part >= 0x80) continue;
      const node = this.#take(name, size, value);
      if (part === 0 && size > 1 && this.protocol === 5) {
        this.violate(node, "", "1.5.5-1", `${name} is written in more bytes than it needs`);
      }
      return { node, value };
    }
    const node = this.#take(name, 4, null);
    this.violate(node, "2.2.3", "1.5.5", `${name} takes more than four bytes`);
    this.stopped = true;
    return null;
  }

  /** A UTF-8 Encoded String. Value null: ill-formed. */
  text(name: string): Field<string | null> | null {
    const found = this.binary(name);
    if (found === null) return null;
    const { node, value: range } = found;
    const flaw = textFlaw(this.bytes, range.start, range.end, false);
    if (flaw === "ill-formed") {
      this.violate(node, "1.5.3-1", "1.5.4-1", `${name} is not well-formed UTF-8`);
      return { node, value: null };
    }
    if (flaw === "null character") {
      this.violate(node, "1.5.3-2", "1.5.4-2", `${name} holds U+0000`);
    }
    const value = decodeText(this.bytes, range.start, range.end);
    node.value = value;
    return { node, value };
  }

  /** Binary Data with its length prefix. */
  binary(name: string): Field<Range> | null {
    if (!this.#has(2, name)) return null;
    const at = this.position;
    const length = (this.bytes[at] ?? 0) * 256 + (this.bytes[at + 1] ?? 0);
    if (!this.#has(2 + length, name)) return null;
    const node = this.#take(name, 2 + length, null);
    node.meaning = bytesText(length);
    return { node, value: { start: at + 2, end: at + 2 + length } };
  }

  /** The remaining bytes up to the end. */
  rest(name: string): Field<Range> {
    const start = this.position;
    const end = Math.min(this.end, this.bytes.length);
    if (end < this.end) this.incomplete = this.stopped = true;
    const node = this.#take(name, end - start, null);
    return { node, value: { start, end } };
  }

  /** Hides a field but its first two bytes, which are its length. */
  hide(node: Draft): void {
    if (this.secrets || node.length <= 2) return;
    node.hex = node.hex?.slice(0, 4) ?? null;
    node.hidden = true;
  }

  /** Hides undecoded bytes of a packet that can carry secrets. */
  #hideUndecoded(node: Draft): void {
    if (this.secrets || !this.guarded || node.length === 0) return;
    node.hex = "";
    node.hidden = true;
  }

  /** Bytes after the last field of a packet, a violation. */
  finish(): void {
    if (!this.more) return;
    const { node } = this.rest("Bytes without meaning");
    this.#hideUndecoded(node);
    this.violate(node, "2.2.3", "2.1.4", "bytes after the packet's last field");
  }

  /** Remaining bytes that can't be decoded, without a violation of their own. */
  leave(): void {
    if (this.position >= Math.min(this.end, this.bytes.length)) return;
    this.#hideUndecoded(this.rest("Bytes that are not decoded").node);
  }

  /** A flag: the bits of the byte in `mask`. */
  flag(of: Draft, name: string, byte: number, mask: number, meaning: string | null = null): Draft {
    const shift = Math.log2(mask & -mask);
    const value = (byte & mask) >> shift;
    const draft = this.#draft(name, of.offset, of.length, null);
    const single = mask >> shift === 1;
    const node: Draft = {
      ...draft,
      bits: bitsOf(byte, mask),
      value: single ? value === 1 : value,
      meaning,
    };
    of.children.push(node);
    return node;
  }

  /** A Packet Identifier; `v4` and `v5` are the statements that forbid 0. */
  packetIdentifier(v4: string, v5: string): void {
    const found = this.integer(2, "Packet Identifier");
    if (found?.value === 0) this.violate(found.node, v4, v5, "Packet Identifier is 0");
  }

  #has(size: number, name: string): boolean {
    if (this.stopped) return false;
    if (this.position + size <= Math.min(this.end, this.bytes.length)) return true;
    this.stopped = true;
    if (this.position + size > this.end) {
      const node = this.#take(name, Math.min(this.end, this.bytes.length) - this.position, null);
      this.violate(node, "2.2.3", "2.1.4", `packet ends within ${name}`);
      if (this.guarded) this.hide(node);
    } else {
      this.incomplete = true;
      const node = this.#take(name, this.bytes.length - this.position, null);
      node.meaning = "incomplete";
      if (this.guarded) this.hide(node);
    }
    return false;
  }

  #take(name: string, size: number, value: number | null): Draft {
    const node = this.#push(name, this.position, size);
    node.hex = hexOf(this.bytes, this.position, this.position + size);
    node.value = value;
    this.position += size;
    return node;
  }

  #push(name: string, offset: number, length: number): Draft {
    const node = this.#draft(name, offset, length, null);
    this.#into.push(node);
    return node;
  }

  #draft(name: string, offset: number, length: number, bits: string | null): Draft {
    const blank = { hex: null, value: null, meaning: null };
    return { name, offset, length, bits, ...blank, violations: [], children: [] };
  }
}

/** As what a packet is decoded. */
export interface Reading {
  readonly protocol: ProtocolVersion;
  readonly from: Sender;
  /** Show passwords and Authentication Data. */
  readonly secrets: boolean;
}

export interface Field<Value> {
  readonly node: Draft;
  readonly value: Value;
}

/** bytes[start..end). */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export function hexOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex");
}

/** `.... 011.`: the bits of the mask, dots for the others. */
function bitsOf(byte: number, mask: number): string {
  let bits = "";
  for (let bit = 7; bit >= 0; bit--) {
    bits += (mask >> bit) & 1 ? String((byte >> bit) & 1) : ".";
    if (bit === 4) bits += " ";
  }
  return bits;
}

/** `0x87`. */
export function codeText(code: number): string {
  return `0x${code.toString(16).padStart(2, "0")}`;
}
