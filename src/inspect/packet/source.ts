/** Bytes of packets, with the form in which they were given. */
export interface PacketSource {
  readonly bytes: Uint8Array;
  readonly form: SourceForm;
  /** Bytes of Ethernet, IP and TCP headers before them, which were skipped. */
  readonly headerBytes: number;
}

export type SourceForm =
  | "raw bytes"
  | "hexadecimal"
  | "hex dump of xxd"
  | "hex dump of hexdump -C"
  | "hex dump of Wireshark"
  | "hex dump of tcpdump";

/**
 * Recognizes the content of a file: a hex dump, hexadecimal digits, or raw bytes. MQTT packets are
 * not text, because a length in them has a byte that text does not contain. Null: text that is not
 * hexadecimal.
 */
export function packetSource(content: Uint8Array): PacketSource | null {
  const text = textOf(content);
  if (text === null) return { bytes: content, form: "raw bytes", headerBytes: 0 };
  const dump = dumpIn(text);
  if (dump !== null) return dump;
  const bytes = hexadecimal(text);
  return bytes && { bytes, form: "hexadecimal", headerBytes: 0 };
}

/** `c0 00`, `c000`, `0xc0, 0x00`, `\xc0\x00`, `c0:00`; null: anything else. */
export function hexadecimal(text: string): Uint8Array | null {
  const words = text.split(/0x|\\x|[\s:,;{}]+/i).filter((word) => word !== "");
  if (words.length === 0 || !words.every((word) => /^(?:[0-9a-f]{2})+$/i.test(word))) return null;
  return Uint8Array.from(Buffer.from(words.join(""), "hex"));
}

/** Null: not UTF-8, or with control characters other than white space. */
function textOf(content: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(content);
    return /(?!\s)\p{Cc}/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** A line is an offset, then bytes; text after two spaces or between bars is ignored. */
const dumps: readonly { readonly form: SourceForm; readonly line: RegExp }[] = [
  {
    form: "hex dump of tcpdump",
    line: /^\s*0x([0-9a-f]{4,}):\s+((?:[0-9a-f]{2}){1,2}(?: (?:[0-9a-f]{2}){1,2})*)(?:\s{2,}.*)?$/i,
  },
  {
    form: "hex dump of xxd",
    line: /^([0-9a-f]{8,}): ((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)*)(?:\s{2,}.*)?$/i,
  },
  {
    form: "hex dump of hexdump -C",
    line: /^([0-9a-f]{7,8}) {2}([0-9a-f]{2}(?: {1,2}[0-9a-f]{2})*)\s+\|.*\|$/i,
  },
  {
    form: "hex dump of Wireshark",
    line: /^([0-9a-f]{4,8}) {2,3}([0-9a-f]{2}(?: [0-9a-f]{2})*)(?:\s{2,}.*)?$/i,
  },
];

/**
 * Null: not certainly a dump, in which each offset equals the number of bytes before it. tcpdump
 * may print its line about the packet first.
 */
function dumpIn(text: string): PacketSource | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  for (const { form, line: pattern } of dumps) {
    const first = lines.findIndex((line) => pattern.test(line));
    if (first < 0 || (first > 0 && form !== "hex dump of tcpdump")) continue;
    const bytes = bytesOf(lines.slice(first), pattern);
    if (bytes === null) continue;
    const payload = form === "hex dump of tcpdump" || form === "hex dump of Wireshark";
    const start = payload ? segmentPayload(bytes) : null;
    if (start === null) return { bytes, form, headerBytes: 0 };
    return { bytes: bytes.subarray(...start), form, headerBytes: start[0] };
  }
  return null;
}

function bytesOf(lines: readonly string[], pattern: RegExp): Uint8Array | null {
  const hex: string[] = [];
  let count = 0;
  for (const [index, line] of lines.entries()) {
    const [, offset = line, digits = ""] = pattern.exec(line) ?? [];
    // The last line of hexdump is an offset alone.
    const isEnd = index > 0 && index === lines.length - 1 && /^[0-9a-f]{7,8}$/i.test(line);
    if (digits === "" && !isEnd) return null;
    if (Number.parseInt(offset, 16) !== count) return null;
    const own = digits.replaceAll(" ", "");
    hex.push(own);
    count += own.length / 2;
  }
  return Uint8Array.from(Buffer.from(hex.join(""), "hex"));
}

/** The data of a TCP segment in a frame or an IP packet; null: neither. */
function segmentPayload(bytes: Uint8Array): [start: number, end: number] | null {
  const at = (index: number): number => bytes[index] ?? 0;
  const type = at(12) * 256 + at(13);
  const ip = type === 0x0800 || type === 0x86dd ? (packetPayload(bytes, 14) ?? null) : null;
  return ip ?? packetPayload(bytes, 0);
}

function packetPayload(bytes: Uint8Array, ip: number): [start: number, end: number] | null {
  const at = (index: number): number => bytes[ip + index] ?? 0;
  const version = at(0) >> 4;
  const protocol = version === 4 ? at(9) : at(6);
  const header = version === 4 ? (at(0) & 15) * 4 : 40;
  const length = version === 4 ? at(2) * 256 + at(3) : header + at(4) * 256 + at(5);
  const tcp = header + (at(header + 12) >> 4) * 4;
  const isOne = (version === 4 || version === 6) && protocol === 6 && header >= 20;
  if (!isOne || tcp < header + 20 || tcp > length || ip + length > bytes.length) return null;
  return [ip + tcp, ip + length];
}
