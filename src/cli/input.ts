import { beginningBytes, fileMax, type FileRead } from "../config/file.ts";
import { systemErrorText } from "../log/system-error.ts";

/** A text of one line, without its end; null: there are several lines. */
export function lineOf(text: Uint8Array): Uint8Array | null {
  const end = text.indexOf(0x0a);
  if (end < 0) return text;
  if (end < text.length - 1) return null;
  return text.subarray(0, text[end - 1] === 0x0d ? end - 1 : end);
}

/** Reads standard input to its end, up to the size that a file may have. Never throws. */
export async function readInput(stream: AsyncIterable<Uint8Array | string>): Promise<FileRead> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      const own = typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
      bytes += own.length;
      chunks.push(own);
      if (bytes > fileMax) {
        return { type: "too large", beginning: Buffer.concat(chunks).subarray(0, beginningBytes) };
      }
    }
  } catch (error) {
    return { type: "unreadable", why: systemErrorText(error) };
  }
  return { type: "read", bytes: Buffer.concat(chunks) };
}
