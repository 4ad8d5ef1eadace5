import type { ProtocolVersion } from "../core/packet.ts";
import { usageError } from "../config/cli-error.ts";
import type { FileRead } from "../config/file.ts";
import { bare, quoted } from "../config/problem.ts";
import { packetCount, packetTree, packetTreeText } from "../inspect/packet/packet.ts";
import { bytesText } from "../inspect/packet/node.ts";
import { hexadecimal, type PacketSource, packetSource } from "../inspect/packet/source.ts";
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
  const count = packetCount(read.bytes);
  if (count > packetsMax) {
    throw usageError(
      `packet: found ${count} packets, allowed: ${packetsMax}`,
      "pass a part of them",
    );
  }
  const packets = packetTree(read.bytes, { protocol, ...(from !== null && { from }) });
  const { columns, colors } = output.style;
  const answer = {
    file: read.file,
    form: read.form,
    bytes: read.bytes.length,
    headerBytes: read.headerBytes,
    packets,
  };
  return show(output, answer, () => [
    ...(read.isTyped ? [] : [takenText(read), ""]),
    packetTreeText(packets, { columns: Number.isFinite(columns) ? columns : 80, colors }).trimEnd(),
  ]);
}

function senderOf(given: Arguments): "client" | "server" | null {
  const from = given.text("from");
  if (from === null || from === "client" || from === "server") return from;
  throw usageError(`--from: found ${quoted(from)}, allowed: client or server`);
}

/** Hexadecimal wins over a file of the same name; `./c0` is the file. */
async function bytesOf(word: string, { surroundings }: Output): Promise<Read> {
  const typed = word === "-" ? null : hexadecimal(word);
  if (typed !== null) {
    return { bytes: typed, form: "hexadecimal", headerBytes: 0, file: null, isTyped: true };
  }
  const content = word === "-" ? await surroundings.readInput() : surroundings.readFile(word);
  const where = word === "-" ? "standard input" : bare(word);
  if (content.type !== "read") throw unread(word, where, content);
  if (content.bytes.length === 0) throw usageError(`packet: ${where} is empty`);
  const source = packetSource(content.bytes);
  if (source === null) {
    throw usageError(
      `packet: ${where} contains text that is not hexadecimal`,
      "allowed: raw bytes, hexadecimal digits, one dump of xxd, hexdump -C, Wireshark or tcpdump -X",
    );
  }
  return { ...source, file: word === "-" ? null : word, isTyped: false };
}

function unread(word: string, where: string, content: Exclude<FileRead, { type: "read" }>): Error {
  switch (content.type) {
    case "missing":
      return usageError(
        `packet: found ${quoted(word)}, allowed: bytes in hexadecimal, like "c0 00", the name of a file, or - for standard input`,
      );
    case "folder":
      return usageError(`packet: ${where} is a folder`);
    case "too large":
      return usageError(`packet: ${where} is larger than 1 MiB`, "pass a part of it");
    case "unreadable":
      return usageError(`packet: can't read ${where}: ${content.why}`);
  }
}

function takenText({ file, form, bytes, headerBytes }: Read): string {
  const left = headerBytes === 0 ? "" : `; ${headerBytes} bytes of headers before it skipped`;
  return `${file === null ? "standard input" : bare(file)}: ${form}, ${bytesText(bytes.length)}${left}`;
}
