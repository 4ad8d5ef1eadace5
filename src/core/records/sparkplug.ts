import { textKept } from "./excerpt.ts";
import type { Millis } from "../io.ts";

/**
 * Sparkplug B: the will of an edge node is its NDEATH, whose number bdSeq has to be that of the
 * NBIRTH that follows. The broker reads no payload: it keeps the beginning of both for `inspect`.
 */
export interface SparkplugPayloads {
  /** The topic of the node's NBIRTH. */
  readonly birthTopic: string;
  /** The first bytes of the NDEATH: a copy. */
  readonly death: Uint8Array;
  /** Of the latest NBIRTH; null: none came. */
  birth: { readonly at: Millis; readonly bytes: number; readonly payload: Uint8Array } | null;
}

/** Bytes kept of each payload. An NDEATH has some 30, and an NBIRTH begins with bdSeq as a rule. */
const payloadKept = 512;

/** Null: a will that is no NDEATH, or its topic is too long to keep. */
export function sparkplugOf(topic: string, payload: Uint8Array): SparkplugPayloads | null {
  if (topic.length > textKept) return null;
  const [, head, node] = /^((?:.*\/)?spBv1\.0\/[^/]+\/)NDEATH(\/[^/]+)$/.exec(topic) ?? [];
  if (head === undefined || node === undefined) return null;
  return { birthTopic: `${head}NBIRTH${node}`, death: payload.slice(0, payloadKept), birth: null };
}

/** The node published its NBIRTH. */
export function born(known: SparkplugPayloads, payload: Uint8Array, at: Millis): void {
  known.birth = { at, bytes: payload.length, payload: payload.slice(0, payloadKept) };
}
