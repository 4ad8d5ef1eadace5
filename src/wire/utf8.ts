import { isUtf8 } from "node:buffer";

/** UTF-8 Encoded Strings (v4-1.5.3, v5-1.5.4): checks, decoding and encoding. */

export type TextFlaw = "ill-formed" | "null character";

/**
 * The first flaw of bytes[start..end) as UTF-8, or null. Ill-formed: overlong forms, surrogates,
 * code points past U+10FFFF, truncated sequences. `nullAllowed`: payloads may contain U+0000.
 */
export function textFlaw(
  bytes: Uint8Array,
  start: number,
  end: number,
  nullAllowed: boolean,
): TextFlaw | null {
  if (end - start >= longText && isSound(bytes.subarray(start, end), nullAllowed)) return null;
  let at = start;
  while (at < end) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      if (lead === 0 && !nullAllowed) return "null character";
      at += 1;
      continue;
    }
    const length = sequenceLength(bytes, at, end, lead);
    if (length === 0) return "ill-formed";
    at += length;
  }
  return null;
}

/** From this size on, the platform checks faster, although it must be called; bytes. */
const longText = 256;

/** False: look for the flaw by hand. */
function isSound(text: Uint8Array, nullAllowed: boolean): boolean {
  return isUtf8(text) && (nullAllowed || !text.includes(0));
}

/** Bytes of the well-formed sequence that begins with `lead` at `at` (RFC 3629 table), or 0. */
function sequenceLength(bytes: Uint8Array, at: number, end: number, lead: number): number {
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > end) return 0;
  // The second byte's range excludes overlong forms, surrogates and code points past U+10FFFF.
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  const second = bytes[at + 1] ?? 0;
  if (second < low || second > high) return 0;
  for (let next = at + 2; next < at + length; next++) {
    if (((bytes[next] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes bytes that have no `textFlaw`. Keeps U+FEFF (v5-1.5.4-3, v4-1.5.3-3). */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

/**
 * Writes a well-formed string from code unit `from` on, and returns the offset behind it. By hand:
 * topics are short, and a call into the platform costs more.
 */
export function writeText(target: Uint8Array, offset: number, text: string, from: number): number {
  let at = offset;
  for (let index = from; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) {
      target[at++] = unit;
      continue;
    }
    if (unit < 0x800) {
      target[at++] = 0xc0 | (unit >> 6);
    } else if (unit >= 0xd800 && unit <= 0xdbff) {
      const point = 0x10000 + ((unit & 0x3ff) << 10) + (text.charCodeAt(++index) & 0x3ff);
      target[at++] = 0xf0 | (point >> 18);
      target[at++] = 0x80 | ((point >> 12) & 0x3f);
      target[at++] = 0x80 | ((point >> 6) & 0x3f);
      target[at++] = 0x80 | (point & 0x3f);
      continue;
    } else {
      target[at++] = 0xe0 | (unit >> 12);
      target[at++] = 0x80 | ((unit >> 6) & 0x3f);
    }
    target[at++] = 0x80 | (unit & 0x3f);
  }
  return at;
}
