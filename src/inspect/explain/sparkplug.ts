import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { WillAccount } from "../../core/records/will-account.ts";
import { type Advice, sentence } from "./parts.ts";

/** Numbers of the fields that are read: of Payload, and of its Metric. */
const metrics = 2;
const field = { name: 1, longValue: 11, intValue: 10 };

/**
 * What an edge node of Sparkplug B does wrong with bdSeq, by which a host application knows which
 * NBIRTH an NDEATH ends; null: nothing, or the payloads do not tell.
 */
export function bdSeqAdvice(will: WillAccount | null): Advice | null {
  if (will?.sparkplug === undefined) return null;
  const { death, birth } = will.sparkplug;
  const ofDeath = bdSeqIn(death, will.payloadBytes);
  const ofBirth = birth === null ? null : bdSeqIn(birth.payload, birth.payloadBytes);
  const text = mistake(ofDeath, ofBirth);
  return text === null ? null : { topic: "sparkplugBdSeq", ...sentence(text) };
}

function mistake(death: BdSeq | null, birth: BdSeq | null): string | null {
  if (death === "none") {
    return (
      "Its NDEATH has no metric bdSeq, so no host application can tell which NBIRTH it ends: put " +
      "bdSeq into the will, and the same number into the NBIRTH."
    );
  }
  if (death === null || birth === null) return null;
  if (birth === "none") {
    return (
      `Its NDEATH has bdSeq ${death}, and its NBIRTH none: a host application can't match them. Put ` +
      `the same number into both.`
    );
  }
  if (birth === death) return null;
  return (
    `Its NDEATH has bdSeq ${death}, and the NBIRTH on the same connection bdSeq ${birth}: a host ` +
    `application takes the NDEATH for that of another session and ignores it. Set the will with the ` +
    `number of the NBIRTH that follows, one more for each CONNECT.`
  );
}

/** `none`: the payload is whole and has no such metric. */
type BdSeq = bigint | "none";

/** Null: it is not a Sparkplug payload, or the part of it that is known does not tell. */
function bdSeqIn(payload: string, payloadBytes: number): BdSeq | null {
  const bytes = Buffer.from(payload, "base64");
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [number, type] = reader.tag();
      if (number !== metrics || type !== WireType.LengthDelimited) reader.skip(type);
      else {
        const found = bdSeqOfMetric(reader.bytes());
        if (found !== null) return found;
      }
    }
  } catch {
    // Cut off, or no protobuf.
    return null;
  }
  return bytes.length === payloadBytes ? "none" : null;
}

/** Null: another metric. */
function bdSeqOfMetric(bytes: Uint8Array): bigint | null {
  const reader = new BinaryReader(bytes);
  let isBdSeq = false;
  let value: bigint | null = null;
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (number === field.name && type === WireType.LengthDelimited) {
      isBdSeq = reader.string() === "bdSeq";
    } else if (number === field.longValue && type === WireType.Varint) {
      value = BigInt(reader.uint64());
    } else if (number === field.intValue && type === WireType.Varint) {
      value = BigInt(reader.uint32());
    } else reader.skip(type);
  }
  return isBdSeq ? value : null;
}
