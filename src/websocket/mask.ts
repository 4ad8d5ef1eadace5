/** Up to this length a loop over the bytes is faster than a move and a loop over words. */
const shortBytes = 192;

/**
 * Writes `masked` to bytes[start..), unmasked (RFC 6455, 5.3). It may lie in the memory of `bytes`, not
 * before `start`. `mask`: four bytes, of which the one at `phase` is for the first of `masked`.
 */
export function unmask(
  masked: Uint8Array,
  bytes: Uint8Array,
  start: number,
  mask: Uint8Array,
  phase: number,
): void {
  const { length } = masked;
  if (length <= shortBytes) {
    for (let at = 0; at < length; at++) {
      bytes[start + at] = masked[at]! ^ mask[(phase + at) & 3]!;
    }
    return;
  }
  bytes.set(masked, start);
  const end = start + length;
  let at = start;
  // Words have to be aligned.
  for (; ((bytes.byteOffset + at) & 3) !== 0; at++) bytes[at]! ^= mask[(phase + at - start) & 3]!;
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2);
  const word = wordOf(mask, phase + at - start);
  for (let place = 0; place < words.length; place++) words[place]! ^= word;
  for (at += words.length * 4; at < end; at++) bytes[at]! ^= mask[(phase + at - start) & 3]!;
}

/** Four bytes of the mask as this machine reads a word; Bun and Deno run on little-endian ones only. */
function wordOf(mask: Uint8Array, phase: number): number {
  return (
    mask[phase & 3]! |
    (mask[(phase + 1) & 3]! << 8) |
    (mask[(phase + 2) & 3]! << 16) |
    (mask[(phase + 3) & 3]! << 24)
  );
}
