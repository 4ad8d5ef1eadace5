/** A TCP segment, without the headers before it. */
export interface Segment {
  readonly type: "segment";
  /** `10.0.0.7:1883`. */
  readonly source: string;
  readonly target: string;
  readonly sourcePort: number;
  readonly targetPort: number;
  /** Of its first byte, as TCP counts them. */
  readonly sequence: number;
  readonly isSyn: boolean;
  /** The data that are there. */
  readonly data: Uint8Array;
  /** Bytes of data by its IP header: more than are there, if the capture cut the packet. */
  readonly length: number;
  readonly headerBytes: number;
}

/** What begins with headers of a network, as far as they are known. */
export type Framed =
  | Segment
  /** IP without TCP: `UDP`. */
  | { readonly type: "other"; readonly what: string };

/** What stands between a link's header and IP: skipped bytes, then the type of what follows. */
const etherType = { ipv4: 0x0800, ipv6: 0x86dd, pppoe: 0x8864, mpls: 0x8847 } as const;
const vlanTags: readonly number[] = [0x8100, 0x88a8, 0x9100];
const pppIpv4 = 0x0021;
const pppIpv6 = 0x0057;

/** Address families before IPv6 on a loopback link: of Linux, NetBSD and OpenBSD, FreeBSD, macOS. */
const ipv6Families: readonly number[] = [10, 24, 28, 30];

/**
 * The headers of a captured packet; null: no header that is known fits. `isCapture`: the bytes are surely a packet of
 * a network, so that IP at their first byte may be cut off; a PUBREL begins like IPv6.
 */
export function headersOf(bytes: Uint8Array, isCapture: boolean): Framed | null {
  for (const ip of ipOffsets(bytes)) {
    const isWhole = ip > 0 || isCapture || ipLength(bytes) === bytes.length;
    const found = isWhole ? ipPacket(bytes, ip) : null;
    if (found !== null) return found;
  }
  return null;
}

/** Two bytes as a number; what is cut off counts as 0. */
function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}

/** By the header at the first byte. */
function ipLength(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) >> 4 === 4 ? uint16(bytes, 2) : 40 + uint16(bytes, 4);
}

/** Where IP may begin: behind each link's header that fits, last at the first byte. */
function ipOffsets(bytes: Uint8Array): number[] {
  const offsets: (number | null)[] = [
    // Ethernet.
    behindType(bytes, 12),
    // Linux cooked v1: packet type, ARPHRD, address, protocol. v2: protocol first.
    uint16(bytes, 0) <= 4 && uint16(bytes, 4) <= 8 ? behindType(bytes, 14) : null,
    uint16(bytes, 2) === 0 ? cookedV2(bytes) : null,
    loopback(bytes),
    ppp(bytes, bytes[0] === 0xff && bytes[1] === 0x03 ? 2 : 0),
    0,
  ];
  return offsets.filter((offset) => offset !== null);
}

function cookedV2(bytes: Uint8Array): number | null {
  const type = uint16(bytes, 0);
  if (type === etherType.ipv4 || type === etherType.ipv6) return 20;
  return vlanTags.includes(type) ? behindType(bytes, 22) : null;
}

/** The offset of IP behind a type at an offset, with VLAN tags, PPPoE and MPLS between them. */
function behindType(bytes: Uint8Array, start: number): number | null {
  let at = start;
  while (vlanTags.includes(uint16(bytes, at)) && at < bytes.length) at += 4;
  const type = uint16(bytes, at);
  if (type === etherType.ipv4 || type === etherType.ipv6) return at + 2;
  if (type === etherType.pppoe) return ppp(bytes, at + 8);
  if (type !== etherType.mpls) return null;
  at += 2;
  while (at + 4 <= bytes.length && ((bytes[at + 2] ?? 0) & 1) === 0) at += 4;
  return at + 4;
}

function ppp(bytes: Uint8Array, at: number): number | null {
  const protocol = uint16(bytes, at);
  if (protocol === pppIpv4 || protocol === pppIpv6) return at + 2;
  // Its first byte may be left out.
  const short = bytes[at];
  return at > 0 && (short === pppIpv4 || short === pppIpv6) ? at + 1 : null;
}

/** NULL of the machine's byte order, or Loopback of the network's: an address family before IP. */
function loopback(bytes: Uint8Array): number | null {
  const [a = 0, b = 0, c = 0, d = 0] = bytes;
  const family = a === 0 && b === 0 && c === 0 ? d : b === 0 && c === 0 && d === 0 ? a : 0;
  return family === 2 || ipv6Families.includes(family) ? 4 : null;
}

const protocols: { readonly [protocol: number]: string } = {
  1: "ICMP",
  17: "UDP",
  58: "ICMPv6",
  132: "SCTP",
};
const tcp = 6;

/** Headers of IPv6 that may stand before TCP: hop-by-hop, routing, destination options; each says its length. */
const extensions: readonly number[] = [0, 43, 60];

function ipPacket(bytes: Uint8Array, ip: number): Framed | null {
  const version = (bytes[ip] ?? 0) >> 4;
  if (version === 4) return ipv4(bytes, ip);
  return version === 6 ? ipv6(bytes, ip) : null;
}

function ipv4(bytes: Uint8Array, ip: number): Framed | null {
  const at = (index: number): number => bytes[ip + index] ?? 0;
  const header = (at(0) & 15) * 4;
  // A segment that the network card is still to cut has no length.
  const length = uint16(bytes, ip + 2) || bytes.length - ip;
  const isFragment = (uint16(bytes, ip + 6) & 0x1fff) !== 0;
  if (header < 20 || length < header + 8 || ip + header > bytes.length) return null;
  const address = (index: number): string =>
    Array.from({ length: 4 }, (_, part) => at(index + part)).join(".");
  const ends = { source: address(12), target: address(16) };
  if (at(9) === tcp && !isFragment) return segment(bytes, [ip + header, ip + length], ends);
  const what = isFragment ? "a later fragment of IP" : protocols[at(9)];
  return what === undefined || ip + length > bytes.length ? null : { type: "other", what };
}

function ipv6(bytes: Uint8Array, ip: number): Framed | null {
  const payload = uint16(bytes, ip + 4) || bytes.length - ip - 40;
  const end = ip + 40 + payload;
  if (ip + 40 > bytes.length) return null;
  const address = (index: number): string => {
    const groups = Array.from({ length: 8 }, (_, part) =>
      uint16(bytes, ip + index + part * 2).toString(16),
    );
    return `[${groups.join(":").replace(/(?:^|:)0(?::0)+(?::|$)/, "::")}]`;
  };
  const ends = { source: address(8), target: address(24) };
  let next = bytes[ip + 6] ?? 0;
  let header = ip + 40;
  while (extensions.includes(next) && header + 8 <= bytes.length) {
    const length = ((bytes[header + 1] ?? 0) + 1) * 8;
    next = bytes[header] ?? 0;
    header += length;
  }
  if (next === tcp) return segment(bytes, [header, end], ends);
  const what = protocols[next];
  return what === undefined || end > bytes.length ? null : { type: "other", what };
}

function segment(
  bytes: Uint8Array,
  [start, end]: readonly [number, number],
  { source, target }: { readonly source: string; readonly target: string },
): Segment | null {
  const header = ((bytes[start + 12] ?? 0) >> 4) * 4;
  const data = start + header;
  if (header < 20 || data > end || start + 20 > bytes.length) return null;
  const flags = bytes[start + 13] ?? 0;
  const sourcePort = uint16(bytes, start);
  const targetPort = uint16(bytes, start + 2);
  const sequence = uint16(bytes, start + 4) * 65_536 + uint16(bytes, start + 6);
  return {
    ...{ type: "segment", source: `${source}:${sourcePort}`, target: `${target}:${targetPort}` },
    ...{ sourcePort, targetPort, sequence, isSyn: (flags & 2) !== 0 },
    data: bytes.subarray(Math.min(data, bytes.length), Math.min(end, bytes.length)),
    length: end - data,
    headerBytes: Math.min(data, bytes.length),
  };
}
