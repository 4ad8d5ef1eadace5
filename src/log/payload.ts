import { singleQuoted } from "./foreign.ts";

/** Bytes of a payload in hexadecimal. */
const bytesShown = 16;

/**
 * A payload, of which the first bytes are kept as base64: in quotes if it is UTF-8, else in
 * hexadecimal; three dots if cut.
 */
export function payloadText(payload: string, payloadBytes: number): string {
  const bytes = Buffer.from(payload, "base64");
  const isWhole = bytes.length === payloadBytes;
  const text = textOf(bytes, isWhole);
  if (text !== null) return singleQuoted(text) + (isWhole ? "" : " ...");
  const hex = bytes
    .subarray(0, bytesShown)
    .toString("hex")
    .replace(/..(?=.)/g, "$& ");
  return bytes.length <= bytesShown && isWhole ? hex : `${hex} ...`;
}

/** Null: not UTF-8. A cut payload may end within a character. */
function textOf(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, {
      stream: !isWhole,
    });
  } catch {
    return null;
  }
}
