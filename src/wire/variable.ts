/**
 * Variable Byte Integers (v4-2.2.3, v5-1.5.5): seven bits a byte, low ones first, four bytes at
 * most.
 */

export function variableSize(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;
}

/** Writes the shortest form (v5-1.5.5-1) and returns the offset behind it. */
export function writeVariable(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 0x80) {
    target[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}
