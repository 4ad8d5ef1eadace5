import {
  adHoc,
  codeDirectory,
  sha256,
  sha256Bytes,
  sha256Of,
  slotOfDirectory,
  superBlob,
} from "./code-signature.ts";
import { type MachO, readMachO } from "./mach-o.ts";

const identifier = "mqttd";
const pageBits = 12;
/** A super blob with one entry, and then the fields of a code directory of version 0x20400. */
const superBlobBytes = 20;
const directoryBytes = 88;
/** In the header of the file: fields of LC_SEGMENT_64 and LC_CODE_SIGNATURE. */
const segmentFields = { virtualBytes: 32, offset: 40, fileBytes: 48 };
const signatureFields = { bytes: 12 };
const mainBinary = 1;

/**
 * Returns the executable with an ad-hoc signature in place of the one that it has. Bun signs what it
 * compiles for arm64, and leaves its own signature, which no longer fits, in what it compiles for x64.
 */
export function signAdHoc(bytes: Uint8Array): Uint8Array {
  const { commands, signature } = placesOf(readMachO(bytes));
  const limit = signature.at;
  const pages = Math.ceil(limit / 2 ** pageBits);
  const name = new TextEncoder().encode(`${identifier}\0`);
  const hashesAt = directoryBytes + name.length;
  const directoryLength = hashesAt + pages * sha256Bytes;
  const length = superBlobBytes + directoryLength;
  const signed = new Uint8Array(limit + length);
  signed.set(bytes.subarray(0, limit));

  // First the header, which the first hash covers.
  const header = new DataView(signed.buffer);
  header.setUint32(commands.codeSignature + signatureFields.bytes, length, true);
  const { linkEdit, text } = commands;
  const fileBytes = limit + length - u64(header, linkEdit + segmentFields.offset);
  header.setBigUint64(linkEdit + segmentFields.fileBytes, BigInt(fileBytes), true);
  const virtualBytes = Math.ceil(fileBytes / segmentBytes) * segmentBytes;
  header.setBigUint64(linkEdit + segmentFields.virtualBytes, BigInt(virtualBytes), true);

  const at = limit + superBlobBytes;
  const words = [superBlob, length, 1, slotOfDirectory, superBlobBytes];
  const directory = [
    ...[codeDirectory, directoryLength, 0x20400, adHoc, hashesAt, directoryBytes, 0, pages, limit],
    ...[(sha256Bytes << 24) | (sha256 << 16) | pageBits, 0, 0, 0, 0, 0, 0],
  ];
  for (const [index, word] of [...words, ...directory].entries()) {
    header.setUint32(limit + 4 * index, word);
  }
  header.setBigUint64(at + 64, BigInt(u64(header, text + segmentFields.offset)));
  header.setBigUint64(at + 72, BigInt(u64(header, text + segmentFields.fileBytes)));
  header.setBigUint64(at + 80, BigInt(mainBinary));
  signed.set(name, at + directoryBytes);
  for (let page = 0; page < pages; page++) {
    const end = Math.min((page + 1) << pageBits, limit);
    const hash = sha256Of(signed.subarray(page << pageBits, end));
    signed.set(hash, at + hashesAt + page * sha256Bytes);
  }
  return signed;
}

/** Segments are whole pages of this size on every Mac. */
const segmentBytes = 0x4000;

function placesOf({ places }: MachO) {
  const { linkEdit, text, codeSignature, signature } = places;
  if (linkEdit === null || text === null || codeSignature === null || signature === null) {
    throw new Error("it has no signature that can be replaced");
  }
  return { commands: { linkEdit, text, codeSignature }, signature };
}

function u64(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}
