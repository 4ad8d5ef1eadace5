/** Content that is not MQTT, by its beginning. */
export interface Foreign {
  /** With its article: `a pcap capture`. */
  readonly what: string;
  /** What to do instead; FILE stands for the name of the file. */
  readonly hint: string;
}

interface Beginning extends Foreign {
  readonly starts: readonly (readonly number[])[];
}

const ofCapture =
  "tshark -r FILE -q -z follow,tcp,hex,0 | mqttd inspect packet -, or " +
  "tcpdump -r FILE -x tcp port 1883 | mqttd inspect packet -";
const unpack = "unpack it first";

/** Magic numbers of files that people have beside their packets. None begins a packet of MQTT. */
const beginnings: readonly Beginning[] = [
  {
    what: "a pcap capture",
    hint: ofCapture,
    // Microseconds, nanoseconds, and the form with extended headers; each in both byte orders.
    starts: ["d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34"].map(bytesOf),
  },
  { what: "a pcapng capture", hint: ofCapture, starts: [bytesOf("0a0d0d0a")] },
  { what: "a snoop capture", hint: ofCapture, starts: [ascii("snoop\0")] },
  {
    what: "a gzip file",
    hint: "gunzip -c FILE | mqttd inspect packet -",
    starts: [bytesOf("1f8b")],
  },
  {
    what: "an xz file",
    hint: "xz -dc FILE | mqttd inspect packet -",
    starts: [bytesOf("fd377a585a00")],
  },
  {
    what: "a zstd file",
    hint: "zstd -dc FILE | mqttd inspect packet -",
    starts: [bytesOf("28b52ffd")],
  },
  { what: "a bzip2 file", hint: "bzip2 -dc FILE | mqttd inspect packet -", starts: [ascii("BZh")] },
  {
    what: "a zip file",
    hint: unpack,
    starts: ["504b03040a00", "504b03041400", "504b03042d00"].map(bytesOf),
  },
  { what: "a 7-Zip file", hint: unpack, starts: [bytesOf("377abcaf271c")] },
  {
    what: "an SSH connection",
    hint: "capture the connection to the broker",
    starts: [ascii("SSH-2.0"), ascii("SSH-1.")],
  },
  {
    what: "an HTTP/2 connection",
    hint: "capture the connection to the broker",
    starts: [ascii("PRI * HTTP/2.0")],
  },
  {
    what: "an AMQP connection",
    hint: "capture the connection to the MQTT port, 1883 by default",
    starts: [ascii("AMQP\0"), ascii("AMQP\x03")],
  },
  { what: "an ELF program", hint: "pass the bytes of packets", starts: [ascii("\x7fELF")] },
  { what: "a PNG image", hint: "copy the bytes as text", starts: [ascii("\x89PNG")] },
  { what: "a JPEG image", hint: "copy the bytes as text", starts: [bytesOf("ffd8ff")] },
  { what: "a PDF document", hint: "copy the bytes as text", starts: [ascii("%PDF-")] },
];

/** What the content is, if it is something else that is known by its beginning; null: it may be MQTT. */
export function foreignBeginning(content: Uint8Array): Foreign | null {
  const found = beginnings.find(({ starts }) => starts.some((start) => beginsWith(content, start)));
  if (found !== undefined) return { what: found.what, hint: found.hint };
  return tlsRecord(content);
}

const tlsTypes: { readonly [type: number]: string } = {
  0x14: "change cipher spec",
  0x15: "alert",
  0x16: "handshake",
  0x17: "application data",
};

/** A record of TLS may have 2^14 bytes, and 2,048 more when encrypted. */
const tlsRecordMax = 0x4800;

function tlsRecord(content: Uint8Array): Foreign | null {
  const [first = 0, major, minor = 0, high = 0, low = 0] = content;
  const kind = tlsTypes[first];
  const length = high * 256 + low;
  const isRecord = major === 3 && minor <= 4 && length > 0 && length <= tlsRecordMax;
  if (kind === undefined || content.length < 5 || !isRecord) return null;
  const isHello = first === 0x16 && content[5] === 1;
  return {
    what: `a TLS record (${isHello ? "ClientHello" : kind}), so the connection is encrypted`,
    hint: "capture it on the plain port, or decrypt it in Wireshark and copy from Follow > TLS Stream",
  };
}

export function beginsWith(content: Uint8Array, start: readonly number[]): boolean {
  return content.length >= start.length && start.every((byte, at) => content[at] === byte);
}

export function ascii(text: string): number[] {
  return [...Buffer.from(text, "latin1")];
}

function bytesOf(hex: string): number[] {
  return [...Buffer.from(hex, "hex")];
}
