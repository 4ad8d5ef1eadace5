import type { ProtocolVersion } from "../../core/packet.ts";

/** The sender of a packet, which decides what it may contain. */
export type Sender = "client" | "server";

export function otherSender(sender: Sender): Sender {
  return sender === "client" ? "server" : "client";
}

/** How the protocol of the bytes was determined. */
export type ProtocolBy =
  /** By a flag. */
  | "asked"
  /** By a CONNECT in the bytes. */
  | "CONNECT"
  /** The other protocol would give more violations. */
  | "fits"
  /** 3.1.1 and 5.0 fit equally well; decoded as 5.0. */
  | "fits both"
  /** The packet is the same in 3.1, 3.1.1 and 5.0, and nothing else in the bytes decides. */
  | "fits all";

/** One control packet, as far as it can be decoded. Plain data. */
export interface PacketTree {
  /** `PUBLISH`; `bytes` if not even the fixed header can be decoded. */
  readonly type: string;
  /** Offset of its first byte in the input. */
  readonly offset: number;
  /** Bytes present in the input. */
  readonly length: number;
  /** Bytes that its Remaining Length announces but the input lacks; null: unknown. */
  readonly missing: number | null;
  readonly protocol: ProtocolVersion;
  readonly protocolBy: ProtocolBy;
  /** Null: both may send it, and it decodes the same for both. */
  readonly from: Sender | null;
  readonly nodes: readonly PacketNode[];
  /** A sentence in place of nodes, for skipped bytes that are not a packet. */
  readonly note?: string;
  /** The violations of all its nodes, in the order of the bytes. */
  readonly violations: readonly Violation[];
}

/** A field, a flag in one, or a group of fields. */
export interface PacketNode {
  readonly name: string;
  /** Offset in the input. */
  readonly offset: number;
  readonly length: number;
  /** Two digits per byte; null: a group or a flag. Of a hidden field at most its first two bytes. */
  readonly hex: string | null;
  /** `hex` lacks bytes that may belong to a password or to Authentication Data. */
  readonly hidden?: true;
  /** The bits of a flag, highest first: `.... 011.`; null: not a flag. */
  readonly bits: string | null;
  /** Null for binary data, which is in `hex`. */
  readonly value: string | number | boolean | null;
  /** The meaning of the value, in words. */
  readonly meaning: string | null;
  readonly violations: readonly Violation[];
  readonly children: readonly PacketNode[];
}

export interface Violation {
  /**
   * Version first: `v5-3.3.2-2`, or a section: `v5-2.1.4`. MQTT 3.1 numbers no statements: `v3-3.1` is its
   * section 3.1; where 3.1 and 3.1.1 have the same rule, the statement is that of 3.1.1.
   */
  readonly statement: string;
  readonly detail: string;
}

/** A node under construction. */
export interface Draft extends PacketNode {
  length: number;
  hex: string | null;
  hidden?: true;
  value: string | number | boolean | null;
  meaning: string | null;
  readonly violations: Violation[];
  readonly children: Draft[];
}

/** All violations below these nodes, in the order of the bytes. */
export function violationsOf(nodes: readonly PacketNode[]): Violation[] {
  return nodes.flatMap((node) => [...node.violations, ...violationsOf(node.children)]);
}

/** `1 byte`, `2 bytes`. */
export function bytesText(count: number): string {
  return count === 1 ? "1 byte" : `${count} bytes`;
}
