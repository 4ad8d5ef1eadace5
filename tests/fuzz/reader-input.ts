import type { ProtocolVersion } from "../../src/core/packet.ts";

/** The readers of foreign bytes, besides the broker as a whole. */
export const readers = ["wire", "websocket", "inspect", "client", "config", "admin"] as const;
export type Reader = (typeof readers)[number];

/**
 * The input of one of them: chunks of a connection (`wire`, `websocket`, `client`), packets (`inspect`), a file
 * and `flag PATH=VALUE` or `env NAME=VALUE` (`config`), a request's method, URL, headers and body
 * (`admin`). Written as text:
 *
 *
 *     reader client 5
 *     part 2003000000
 */
export interface ReaderInput {
  readonly reader: Reader;
  readonly version: ProtocolVersion;
  readonly parts: readonly Uint8Array[];
}

export function writeReaderInput(input: ReaderInput, comment = ""): string {
  const head = comment.split("\n").map((line) => (line === "" ? "" : `# ${line}\n`));
  const parts = input.parts.map((part) => `part ${part.toHex()}\n`);
  return `${head.join("")}reader ${input.reader} ${input.version}\n${parts.join("")}`;
}

/** Null: the text is no input of a reader. */
export function readReaderInput(text: string): ReaderInput | null {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const [word, name, version] = lines[0]?.split(" ") ?? [];
  const reader = readers.find((known) => known === name);
  if (word !== "reader" || reader === undefined) return null;
  const parts = lines.slice(1).map((line) => Uint8Array.fromHex(line.replace(/^part ?/, "")));
  return { reader, version: version === "3" ? 3 : version === "5" ? 5 : 4, parts };
}
