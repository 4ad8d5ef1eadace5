import type { ProtocolVersion } from "../../core/packet.ts";

/** Who sent a packet: what may stand in it depends on that. */
export type Sender = "client" | "server";

/** How it is known which protocol the bytes speak. */
export type ProtocolBy =
  /** It was asked for. */
  | "asked"
  /** A CONNECT in the bytes says so. */
  | "CONNECT"
  /** The other one would break more rules. */
  | "fits"
  /** 3.1.1 and 5.0 fit as well as each other; it is read as 5.0. */
  | "fits both";

/** One control packet, as far as it can be read. Plain data. */
export interface PacketTree {
  /** `PUBLISH`; `bytes` where not even a fixed header can be read. */
  readonly type: string;
  /** Of its first byte, in the bytes that were given. */
  readonly offset: number;
  /** Bytes that are there. */
  readonly length: number;
  /** Bytes that its Remaining Length announces and that are not there; null: that is not known. */
  readonly missing: number | null;
  readonly protocol: ProtocolVersion;
  readonly protocolBy: ProtocolBy;
  /** Null: either may send it, and as either it reads the same. */
  readonly from: Sender | null;
  readonly nodes: readonly PacketNode[];
  /** All of its nodes', in the order of the bytes. */
  readonly violations: readonly Violation[];
}

/** A field, a flag in one, or a group of fields. */
export interface PacketNode {
  readonly name: string;
  /** In the bytes that were given. */
  readonly offset: number;
  readonly length: number;
  /** Two digits a byte; null: a group, or a flag. */
  readonly hex: string | null;
  /** The bits of a flag, highest first: `.... 011.`; null: it is none. */
  readonly bits: string | null;
  /** Binary data is told by `hex`, and has null here. */
  readonly value: string | number | boolean | null;
  /** In words. */
  readonly meaning: string | null;
  readonly violations: readonly Violation[];
  readonly children: readonly PacketNode[];
}

export interface Violation {
  /** Version first: `v5-3.3.2-2`, or a section: `v5-2.1.4`. */
  readonly statement: string;
  readonly detail: string;
}

/** A node while it is being put together. */
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
