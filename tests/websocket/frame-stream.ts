/** How frames of a test differ from sound ones. */
export interface FrameShape {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly mask?: readonly number[] | null;
  /** Bits RSV1 to RSV3, as they stand in the first byte: 0x40, 0x20, 0x10. */
  readonly reserved?: number;
  /** The length in the header, if it is not that of the payload. */
  readonly announced?: bigint;
}

/** A frame as any client could send it, written without `ws`, to judge what reads it. */
export function frameOf(payload: Uint8Array, shape: FrameShape = {}): Uint8Array {
  const { opcode = 2, fin = true, mask = [1, 2, 3, 4], reserved = 0 } = shape;
  const length = shape.announced ?? BigInt(payload.length);
  const isMasked = mask === null ? 0 : 0x80;
  const header = [(fin ? 0x80 : 0) | reserved | opcode];
  if (length < 126n) header.push(isMasked | Number(length));
  else if (length < 65_536n) header.push(isMasked | 126, ...bigEndian(length, 2));
  else header.push(isMasked | 127, ...bigEndian(length, 8));
  const masked = payload.map((byte, at) => byte ^ (mask?.[at % 4] ?? 0));
  return Buffer.concat([Uint8Array.from([...header, ...(mask ?? [])]), masked]);
}

function bigEndian(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, at) =>
    Number((value >> BigInt(8 * (bytes - 1 - at))) & 0xffn),
  );
}
