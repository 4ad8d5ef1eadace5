import { endpoint } from "./listen-addresses.ts";
import { isLoopback } from "./loopback.ts";

/** What a proxy says about the connection that it forwards (PROXY protocol, versions 1 and 2). */
export interface ProxyHeader {
  /** The client; null: the proxy speaks for itself, or does not know it. */
  readonly client: { readonly remote: string; readonly isLocal: boolean } | null;
  /** Bytes of the header; what follows is the client's. */
  readonly bytes: number;
}

/** A line of version 1 has 107 bytes at most. */
const lineBytesMax = 107;
/** Version 2 may carry more than addresses, such as the client's certificate; not that much. */
const blockBytesMax = 4096;

const signature = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
const fixedBytes = 16;

/** Reads the header at the beginning of a connection. Null: incomplete. A text: why it is none. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeader | string | null {
  if (startsAs(bytes, signature)) return bytes.length < fixedBytes ? null : readBlock(bytes);
  if (startsAs(bytes, Buffer.from("PROXY "))) return readLine(bytes);
  return "it does not begin with a PROXY header";
}

/** Whether they agree as far as both go. */
function startsAs(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.every((byte, at) => at >= bytes.length || bytes[at] === byte);
}

/** `PROXY TCP4 192.0.2.7 192.0.2.1 51000 8883\r\n`. */
function readLine(bytes: Uint8Array): ProxyHeader | string | null {
  const end = bytes.subarray(0, lineBytesMax).indexOf(10);
  if (end < 0) return bytes.length >= lineBytesMax ? "its PROXY line does not end" : null;
  const line = Buffer.from(bytes.subarray(0, end)).toString("latin1");
  const all = end + 1;
  if (/^PROXY UNKNOWN[^\r]*\r$/.test(line)) return { client: null, bytes: all };
  const found = /^PROXY TCP([46]) (\S+) \S+ (\d{1,5}) \d{1,5}\r$/.exec(line);
  const [, version, address = "", port = ""] = found ?? [];
  const fits = version === "4" ? isIPv4(address) : isIPv6(address);
  if (found === null || !fits || Number(port) > 65_535) return "its PROXY line is malformed";
  return { client: named(address, Number(port)), bytes: all };
}

function readBlock(bytes: Uint8Array): ProxyHeader | string | null {
  const [command = 0, family = 0] = bytes.subarray(12, 14);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const all = fixedBytes + view.getUint16(14);
  if (command >> 4 !== 2) return `its PROXY header has version ${command >> 4}`;
  if (all > blockBytesMax) return `its PROXY header has ${all} bytes, above ${blockBytesMax}`;
  if (bytes.length < all) return null;
  const isLocalCommand = (command & 15) === 0;
  if (!isLocalCommand && (command & 15) !== 1) return "its PROXY header has an unknown command";
  if (isLocalCommand) return { client: null, bytes: all };
  switch (family >> 4) {
    case 1: {
      if (all < fixedBytes + 12) return "its PROXY header is too short";
      const address = bytes.subarray(16, 20).join(".");
      return { client: named(address, view.getUint16(24)), bytes: all };
    }
    case 2: {
      if (all < fixedBytes + 36) return "its PROXY header is too short";
      const groups = Array.from({ length: 8 }, (_, at) => view.getUint16(16 + 2 * at).toString(16));
      return { client: named(short(groups.join(":")), view.getUint16(48)), bytes: all };
    }
    default:
      // A unix socket of the proxy, or unspecified.
      return { client: null, bytes: all };
  }
}

function named(address: string, port: number): { remote: string; isLocal: boolean } {
  return { remote: endpoint(short(address), port), isLocal: isLoopback(address) };
}

/** IPv6 in its usual short form, and IPv4 where it stands for that. */
function short(address: string): string {
  if (!address.includes(":")) return address;
  const host = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([\da-f]+):([\da-f]+)$/.exec(host) ?? [];
  if (high === undefined || low === undefined) return host;
  return [high, low]
    .flatMap((half) => [parseInt(half, 16) >> 8, parseInt(half, 16) & 255])
    .join(".");
}

function isIPv4(text: string): boolean {
  return /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/.test(text);
}

function isIPv6(text: string): boolean {
  return text.includes(":") && /^[\da-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`);
}
