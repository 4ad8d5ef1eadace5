import type { ProtocolVersion } from "../../core/packet.ts";

/** The sender of a packet, which decides what it may contain. */
export type Sender = "client" | "server";

/** How the protocol of the bytes was determined. */
export type ProtocolBy =
  /** By a flag. */
  | "asked"
  /** By a CONNECT in the bytes. */
  | "CONNECT"
  /** The other protocol would give more violations. */
  | "fits"
  /** 3.1.1 and 5.0 fit equally well; decoded as 5.0. */
  | "fits both";

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
  /** The violations of all its nodes, in the order of the bytes. */
  readonly violations: readonly Violation[];
}

/** A field, a flag in one, or a group of fields. */
export interface PacketNode {
  readonly name: string;
  /** Offset in the input. */
  readonly offset: number;
  readonly length: number;
  /** Two digits per byte; null: a group or a flag. */
  readonly hex: string | null;
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
  /** Version first: `v5-3.3.2-2`, or a section: `v5-2.1.4`. */
  readonly statement: string;
  readonly detail: string;
}

/** A node under construction. */
export interface Draft extends PacketNode {
  length: number;
  hex: string | null;
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
