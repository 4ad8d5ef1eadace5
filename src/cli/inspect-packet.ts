import type { ProtocolVersion } from "../core/packet.ts";
import { usageError } from "../config/cli-error.ts";
import type { FileRead } from "../config/file.ts";
import { bare, quoted, shellWord } from "../config/problem.ts";
import { type Foreign, foreignBeginning } from "../inspect/packet/foreign.ts";
import { bytesText } from "../inspect/packet/node.ts";
import { type PacketTreeOptions, sectionsText } from "../inspect/packet/packet.ts";
import { readPackets, type StreamView } from "../inspect/packet/reading.ts";
import {
  packetSource,
  type PacketSource,
  type Taken,
  textSource,
} from "../inspect/packet/source.ts";
import { folded, proseMax } from "../log/columns.ts";
import type { Arguments } from "./arguments.ts";
import { versionFrom } from "./client-flags.ts";
import { type Output, show } from "./inspect-output.ts";

/** Packets that one call decodes; each takes many lines. */
const packetsMax = 10_000;

interface Read extends PacketSource {
  /** The name of the file; null: standard input, or the command line. */
  readonly file: string | null;
  readonly isTyped: boolean;
}

/** `mqttd inspect packet HEX|FILE|-`: decodes bytes; needs no broker. */
export async function inspectPacket(
  word: string,
  given: Arguments,
  output: Output,
): Promise<number> {
  const protocol: "auto" | ProtocolVersion = versionFrom(given) ?? "auto";
  const from = senderOf(given);
  const read = await bytesOf(word, output);
  if (from !== null && read.connections.some(({ streams }) => streams.length > 1)) {
    throw usageError("--from: the bytes hold both directions", "leave it out");
  }
  const options: PacketTreeOptions = {
    ...{ protocol, skips: true, secrets: given.has("secrets"), most: packetsMax },
    ...(from !== null && { from }),
  };
  const { sections, streams, foreign } = readPackets(read, options);
  if (foreign !== null) throw foreignError(whereOf(read), word, foreign);
  const packets = sections.flatMap((section) => section.packets);
  if (packets.length > packetsMax) {
    throw usageError(`packet: found more than ${packetsMax} packets`, "pass a part of them");
  }
  const { columns, colors } = output.style;
  const { file, form, dumps, headerBytes } = read;
  const answer = {
    ...{ file, form, dumps, bytes: bytesIn(streams), headerBytes, streams },
    packets: packets.map(({ tree, stream }) => ({ ...tree, stream })),
  };
  return show(output, answer, () => [
    ...(read.isTyped && headerBytes === 0 && read.notes.length === 0
      ? []
      : [...folded(takenText(read, streams), Math.min(columns, proseMax)), ""]),
    sectionsText(
      sections.map(({ title, notes, packets: own }) => ({
        ...{ title, notes },
        trees: own.map(({ tree }) => tree),
      })),
      { columns: Number.isFinite(columns) ? columns : 80, colors },
    ).trimEnd(),
  ]);
}

function senderOf(given: Arguments): "client" | "server" | null {
  const from = given.text("from");
  if (from === null || from === "client" || from === "server") return from;
  throw usageError(`--from: found ${quoted(from)}, allowed: client or server`);
}

/** Hexadecimal wins over a file of the same name; `./c0` is the file. */
async function bytesOf(word: string, { surroundings }: Output): Promise<Read> {
  const typed = word === "-" ? null : textSource(word);
  if (typed?.type === "packets") return { ...typed, file: null, isTyped: true };
  const content = word === "-" ? await surroundings.readInput() : surroundings.readFile(word);
  const where = word === "-" ? "standard input" : bare(word);
  if (content.type !== "read") throw unread(word, where, typed, content);
  if (content.bytes.length === 0) throw usageError(`packet: ${where} is empty`);
  const source = packetSource(content.bytes);
  if (source.type === "foreign") throw foreignError(where, word, source);
  if (source.type === "text") {
    throw usageError(
      `packet: ${where} contains ${source.what}`,
      "allowed: raw bytes, hexadecimal, an array or a string of source code, dumps of xxd, hexdump, od, Wireshark or tcpdump -x",
    );
  }
  return { ...source, file: word === "-" ? null : word, isTyped: false };
}

/** Without the name of a file, the command reads standard input. */
function foreignError(where: string, word: string, { what, hint }: Foreign): Error {
  const file = word === "-" || where === "the argument" ? "FILE" : word;
  return usageError(
    `packet: ${where} is ${what}`,
    hint.replaceAll("FILE", () => shellWord(file)),
  );
}

function unread(
  word: string,
  where: string,
  typed: Taken | null,
  content: Exclude<FileRead, { type: "read" }>,
): Error {
  switch (content.type) {
    case "missing":
      return missing(word, typed);
    case "folder":
      return usageError(`packet: ${where} is a folder`);
    case "too large": {
      const foreign = foreignBeginning(content.beginning);
      if (foreign !== null) return foreignError(where, word, foreign);
      return usageError(`packet: ${where} is larger than 1 MiB`, "pass a part of it");
    }
    case "unreadable":
      return usageError(`packet: can't read ${where}: ${content.why}`);
  }
}

/** No file has that name; the word is probably meant as one, or as bytes. */
function missing(word: string, typed: Taken | null): Error {
  if (typed?.type === "foreign") return foreignError("the argument", word, typed);
  // Digits may hold a password, so they are not repeated.
  if (typed?.type === "text" && typed.what !== "text that is not hexadecimal") {
    return usageError(`packet: the argument is ${typed.what}, and there is no file of that name`);
  }
  return usageError(
    `packet: there is no file ${quoted(word)}, and it is not hexadecimal such as "c0 00"`,
  );
}

function whereOf({ file, isTyped }: Read): string {
  if (isTyped) return "the argument";
  return file === null ? "standard input" : bare(file);
}

function takenText(read: Read, streams: readonly StreamView[]): string {
  const { form, dumps, headerBytes, notes } = read;
  const what = dumps === 1 ? form : `${dumps} ${form.replace("hex dump", "hex dumps")}`;
  const count = new Set(streams.map(({ connection }) => connection)).size;
  const left = headerBytes === 0 ? [] : [`${headerBytes} bytes of headers skipped`];
  const several = read.connections.length > 1 ? `, ${count} connections with MQTT` : "";
  const sizes = `${what}, ${bytesText(bytesIn(streams))}${several}`;
  return `${whereOf(read)}: ${[sizes, ...left, ...notes].join("; ")}`;
}

function bytesIn(streams: readonly StreamView[]): number {
  return streams.reduce((sum, { bytes }) => sum + bytes, 0);
}
