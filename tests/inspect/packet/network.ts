/** Packets of a network for tests, and how tools print them. */

export type Octets = readonly number[];

export interface SegmentParts {
  readonly ports?: readonly [source: number, target: number];
  readonly sequence?: number;
  readonly flags?: number;
  readonly data?: Octets;
}

const two = (value: number): Octets => [(value >> 8) & 0xff, value & 0xff];

export function tcpSegment({
  ports: [source, target] = [43_808, 1883],
  sequence = 1,
  flags = 0x18,
  data = [],
}: SegmentParts): Octets {
  const number = [two(sequence >>> 16), two(sequence & 0xffff)].flat();
  const rest = [...[0, 0, 0, 1], 0x50, flags, ...two(512), 0, 0, 0, 0];
  return [...two(source), ...two(target), ...number, ...rest, ...data];
}

export function ipv4(payload: Octets, { protocol = 6, isBack = false } = {}): Octets {
  const ends = [
    [10, 0, 0, 1],
    [10, 0, 0, 2],
  ];
  const [source = [], target = []] = isBack ? ends.toReversed() : ends;
  const head = [0x45, 0, ...two(20 + payload.length), 0x1c, 0x46, 0x40, 0, 64, protocol, 0, 0];
  return [...head, ...source, ...target, ...payload];
}

export function ipv6(payload: Octets, next = 6): Octets {
  const address = (last: number): Octets => [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), last];
  return [
    0x60,
    0,
    0,
    0,
    ...two(payload.length),
    next,
    64,
    ...address(1),
    ...address(2),
    ...payload,
  ];
}

/** As Wireshark copies it: `Copy > ...as Hex Dump`. */
export function wiresharkDump(all: Octets, indent = "", begin = 0): string {
  const lines: string[] = [];
  for (let at = 0; at < all.length; at += 16) {
    const hex = all.slice(at, at + 16).map((byte) => byte.toString(16).padStart(2, "0"));
    const offset = (begin + at).toString(16).padStart(8, "0");
    const halves = [hex.slice(0, 8).join(" "), hex.slice(8).join(" ")].filter(
      (half) => half !== "",
    );
    lines.push(`${indent}${offset}  ${halves.join("  ").padEnd(48)}   ${"z".repeat(hex.length)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** As `tcpdump -x` prints a packet, its own line first. */
export function tcpdumpDump(all: Octets): string {
  const lines = ["13:09:03.733012 IP 10.0.0.1.43808 > 10.0.0.2.1883: Flags [P.], length 2"];
  for (let at = 0; at < all.length; at += 16) {
    const words: string[] = [];
    for (let word = at; word < Math.min(at + 16, all.length); word += 2) {
      words.push(Buffer.from(all.slice(word, Math.min(word + 2, all.length))).toString("hex"));
    }
    lines.push(`\t0x${at.toString(16).padStart(4, "0")}:  ${words.join(" ")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The frames of a pcap file of microseconds in the order of bytes of x86. */
export function framesOfPcap(file: Uint8Array): Octets[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const frames: Octets[] = [];
  for (let at = 24; at < file.length;) {
    const length = view.getUint32(at + 8, true);
    frames.push([...file.subarray(at + 16, at + 16 + length)]);
    at += 16 + length;
  }
  return frames;
}
