import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { ProtocolVersion } from "../../src/core/packet.ts";
import { connectProtocol } from "../../src/wire/connect.ts";
import { type FuzzInput, readInput } from "./input.ts";

export const corpusFolder = path.join(import.meta.dirname, "corpus");
export const foundFolder = path.join(import.meta.dirname, "found");

/** One packet of the corpus, and the protocol version of its connection. */
export interface Sample {
  readonly version: ProtocolVersion;
  readonly bytes: Uint8Array;
}

/** The material from which inputs are made. */
export interface Corpus {
  readonly inputs: readonly FuzzInput[];
  readonly connects: readonly Sample[];
  /** All but CONNECT. */
  readonly others: readonly Sample[];
}

/** The input files of a folder. */
export function inputNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".txt"))
    .toSorted();
}

/** Throws on a file that is no input. */
export function readCorpus(folder = corpusFolder): Corpus {
  const inputs = inputNames(folder).map((name) =>
    readInput(readFileSync(path.join(folder, name), "utf8")),
  );
  const samples = inputs.flatMap(samplesOf);
  return {
    inputs,
    connects: samples.filter(({ bytes }) => isConnect(bytes)),
    others: samples.filter(({ bytes }) => !isConnect(bytes)),
  };
}

/** In the corpus each `send` is one packet. */
function samplesOf({ acts }: FuzzInput): Sample[] {
  const versions = new Map<string, ProtocolVersion>();
  return acts.flatMap((act) => {
    if (act.act !== "send") return [];
    const { who, bytes } = act;
    const version = versionOf(bytes) ?? versions.get(who) ?? 4;
    versions.set(who, version);
    return [{ version, bytes }];
  });
}

function isConnect(bytes: Uint8Array): boolean {
  return (bytes[0] ?? 0) >> 4 === 1;
}

/** The known requests of a CONNECT; null: no CONNECT, or none. */
export function versionOf(bytes: Uint8Array): ProtocolVersion | null {
  if (!isConnect(bytes)) return null;
  const body = bytes.findIndex((byte, at) => at > 0 && byte < 0x80) + 1;
  return connectProtocol(bytes, body, bytes.length)?.version ?? null;
}
