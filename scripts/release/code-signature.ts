import { createHash } from "node:crypto";
import { ByteView } from "./byte-view.ts";

/** A signature of macOS, after it was compared with the file. */
export interface CodeSignature {
  /** The name under which it was signed. */
  readonly identifier: string;
  /** Without a certificate: it proves only that the file is whole. */
  readonly isAdHoc: boolean;
  readonly pages: number;
  /** Numbers of the pages whose hash differs from the signed one. */
  readonly brokenPages: readonly number[];
  /** What else is wrong, in words. */
  readonly problems: readonly string[];
}

/** `cs_blobs.h`: big-endian, whatever the processor. */
export const superBlob = 0xfade0cc0;
export const codeDirectory = 0xfade0c02;
export const slotOfDirectory = 0;
export const adHoc = 0x2;
export const sha256 = 2;
export const sha256Bytes = 32;
/** Versions of the directory from which on it has a field for limits over 4 GiB. */
const hasLongLimit = 0x20300;

/**
 * Compares every page of an executable with the hash in its signature, as macOS does when it loads
 * the page. `at`, `length`: where the signature lies. Throws an Error if it can't be read.
 */
export function readCodeSignature(file: Uint8Array, at: number, length: number): CodeSignature {
  const view = new ByteView(new ByteView(file, false).slice(at, length), false);
  if (view.u32(0) !== superBlob) throw new Error("the signature has another format");
  const blobs = new Map<number, number>();
  for (let index = 0; index < view.u32(8); index++) {
    blobs.set(view.u32(12 + 8 * index), view.u32(16 + 8 * index));
  }
  const start = blobs.get(slotOfDirectory);
  if (start === undefined || view.u32(start) !== codeDirectory) {
    throw new Error("the signature has no code directory");
  }
  const directory = new ByteView(view.slice(start, view.u32(start + 4)), false);
  const hashes = directory.u32(16);
  const pages = directory.u32(28);
  const pageBytes = 2 ** directory.u8(39);
  const longLimit = directory.u32(8) >= hasLongLimit ? directory.u64(56) : 0;
  const limit = longLimit === 0 ? directory.u32(32) : longLimit;
  const problems: string[] = [];
  if (directory.u8(37) !== sha256 || directory.u8(36) !== sha256Bytes) {
    problems.push(`hashes of kind ${directory.u8(37)}, not SHA-256`);
  }
  if (limit !== at) problems.push(`it covers ${limit} bytes, and the code has ${at}`);
  if (pages !== Math.ceil(limit / pageBytes)) {
    problems.push(`it has ${pages} hashes for ${limit} bytes in pages of ${pageBytes}`);
  }
  const signed = (slot: number): Uint8Array =>
    directory.slice(hashes + slot * sha256Bytes, sha256Bytes);
  const brokenPages: number[] = [];
  for (let page = 0; page < pages; page++) {
    const from = page * pageBytes;
    const hash = sha256Of(file.subarray(from, Math.min(from + pageBytes, limit)));
    if (!hash.equals(signed(page))) brokenPages.push(page);
  }
  // Requirements, entitlements and the like have negative slots, named as the blobs are.
  for (let slot = 1; slot <= directory.u32(24); slot++) {
    const hash = signed(-slot);
    const blob = blobs.get(slot);
    const isNone = hash.every((byte) => byte === 0);
    if (blob === undefined ? !isNone : !isHashOf(hash, view.slice(blob, view.u32(blob + 4)))) {
      problems.push(`part ${slot} of it differs from its hash`);
    }
  }
  return {
    identifier: directory.text(directory.u32(20)),
    isAdHoc: (directory.u32(12) & adHoc) !== 0,
    pages,
    brokenPages,
    problems,
  };
}

function isHashOf(hash: Uint8Array, bytes: Uint8Array): boolean {
  return sha256Of(bytes).equals(hash);
}

export function sha256Of(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
