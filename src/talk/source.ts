import { createReadStream } from "node:fs";
import { CliError, usageError } from "../config/cli-error.ts";
import { size } from "../log/size.ts";
import { systemErrorText } from "../log/system-error.ts";
import type { Source } from "./request.ts";

/** The largest payload: of a PUBLISH with QoS 0 and a topic of one byte. */
export const payloadMax = 268_435_452;

/** The payloads of a source, one after the other; throws CliError. */
export async function* payloadsOf(
  source: Source,
  stdin: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, void> {
  switch (source.type) {
    case "text":
      yield source.payload;
      return;
    case "file":
      yield await (source.name === null ? inputOf(stdin()) : fileOf(source.name));
      return;
    case "lines":
      yield* linesOf(stdin());
  }
}

async function inputOf(stdin: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const whole = await allOf(stdin, "standard input");
  if (whole.length > 0) return whole;
  throw usageError("standard input is empty", "for an empty message: -n");
}

async function fileOf(name: string): Promise<Buffer> {
  try {
    return await allOf(createReadStream(name), name);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw usageError(`--file: ${name} can't be read: ${systemErrorText(error)}`);
  }
}

async function allOf(chunks: AsyncIterable<Uint8Array>, where: string): Promise<Buffer> {
  const all: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    if (bytes > payloadMax) throw usageError(`${where} has more than ${size(payloadMax)}`);
    all.push(chunk);
  }
  return Buffer.concat(all);
}

const lineFeed = 0x0a;

/** Lines without their line feed; the last one may have none. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer, void, void> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, at)]);
      parts = [];
      bytes = 0;
      start = at + 1;
    }
    bytes += chunk.length - start;
    if (bytes > payloadMax) throw usageError(`a line has more than ${size(payloadMax)}`);
    if (start < chunk.length) parts.push(chunk.slice(start));
  }
  if (bytes > 0) yield Buffer.concat(parts);
}
