import {
  type Connection,
  connectionsOfDumps,
  connectionsOfSegments,
  streamOf,
} from "./connections.ts";
import { type Dump, type DumpForm, dumpsIn } from "./dumps.ts";
import { type Foreign, foreignBeginning } from "./foreign.ts";
import { type Framed, headersOf } from "./headers.ts";
import { literal, type LiteralForm, oddDigits } from "./literals.ts";

/** Bytes of packets, in the form in which they came. */
export interface PacketSource {
  readonly form: SourceForm;
  /** Dumps in the file; 1 for every other form. */
  readonly dumps: number;
  readonly connections: readonly Connection[];
  /** Bytes of Ethernet, IP, TCP and the like before those, which were skipped. */
  readonly headerBytes: number;
  /** Sentences on what is left out or not as usual. */
  readonly notes: readonly string[];
}

export type SourceForm = "raw bytes" | LiteralForm | DumpForm;

export type Taken =
  | ({ readonly type: "packets" } & PacketSource)
  /** Something else, known by its beginning. */
  | ({ readonly type: "foreign" } & Foreign)
  /** Text in no form that is known: what it holds. */
  | { readonly type: "text"; readonly what: string };

/** Bytes that dumps may have; longer ones repeat a line without end. */
const bytesMax = 1024 * 1024;

/**
 * What a file holds, by its content: hex dumps, digits, bytes as programs print them, or raw bytes. Packets of MQTT are
 * no text: a length of theirs, or that of a string, has a byte that no text has. So other text is not taken for packets.
 */
export function packetSource(content: Uint8Array): Taken {
  const foreign = foreignBeginning(content);
  if (foreign !== null) return { type: "foreign", ...foreign };
  const text = textOf(content);
  return text === null ? carried(content, "raw bytes", []) : textSource(text);
}

/** Bytes that somebody typed or pasted. */
export function textSource(text: string): Taken {
  const found = dumpsIn(text, bytesMax);
  if (found !== null && "dumps" in found) return ofDumps(found.dumps, found.form);
  if (found !== null) return { type: "text", what: `a ${found.form} with a gap: ${found.problem}` };
  const read = literal(text);
  if (read !== null) {
    const { bytes, form, leftOut } = read;
    const note = `its printer left out the last ${leftOut} bytes`;
    return carried(bytes, form, leftOut === 0 ? [] : [note]);
  }
  const digits = oddDigits(text);
  if (digits !== null) {
    const odd = digits % 2 === 1 ? `${digits} hexadecimal digits, an odd number` : null;
    return { type: "text", what: odd ?? "hexadecimal digits that are not in pairs" };
  }
  if (/^(?:[A-Z]+ \S+ )?HTTP\/1\.\d/.test(text)) {
    const hint = "pass the WebSocket frames that follow it, or capture the MQTT port";
    return { type: "foreign", what: "HTTP without WebSocket frames", hint };
  }
  return isBase64(text)
    ? { type: "foreign", what: "base64", hint: "base64 -d FILE | mqttd inspect packet -" }
    : { type: "text", what: "text that is not hexadecimal" };
}

/** Whether text may be base64: whole groups of four, with letters of both cases or digits; a word in capitals is none. */
function isBase64(text: string): boolean {
  const plain = text.replaceAll(/\s/g, "");
  return (
    plain.length >= 8 &&
    plain.length % 4 === 0 &&
    /^[A-Za-z0-9+/]+={0,2}$/.test(plain) &&
    /[A-Z]/.test(plain) &&
    /[a-z0-9]/.test(plain)
  );
}

/** Null: neither UTF-8 nor UTF-16 with its mark, or it has control characters other than white space. */
function textOf(content: Uint8Array): string | null {
  const [first, second] = content;
  const marked =
    first === 0xff && second === 0xfe
      ? "utf-16le"
      : first === 0xfe && second === 0xff
        ? "utf-16be"
        : "utf-8";
  try {
    const text = new TextDecoder(marked, { fatal: true }).decode(content);
    return /(?!\s)\p{Cc}/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

function ofDumps(all: readonly Dump[], form: DumpForm): Taken {
  // Beside frames tshark prints what it has put together from them.
  const frames = all.filter(({ heading }) => /^Frame \(\d+ bytes\)/.test(heading ?? ""));
  const dumps = frames.length > 0 ? frames : all;
  const isCapture = form === "hex dump of tcpdump" || frames.length > 0;
  const framed = dumps.map(({ bytes }) => headersOf(bytes, isCapture));
  if (framed.every((one) => one === null)) {
    const mayCarry =
      form === "hex dump of tcpdump" || (form === "hex dump of Wireshark" && !isFollow(dumps));
    const notes = mayCarry
      ? ["no Ethernet, IP or TCP header recognized, so read from the first byte"]
      : [];
    return packets({
      form,
      dumps: dumps.length,
      connections: connectionsOfDumps(dumps),
      headerBytes: 0,
      notes,
    });
  }
  return ofFramed(framed, form);
}

function isFollow(dumps: readonly Dump[]): boolean {
  return new Set(dumps.map(({ indent }) => indent)).size > 1;
}

/** Bytes without lines of a dump: they may begin with the headers of a network too. */
function carried(bytes: Uint8Array, form: SourceForm, notes: readonly string[]): Taken {
  const framed = headersOf(bytes, false);
  if (framed !== null) return ofFramed([framed], form, notes);
  const connection: Connection = { name: null, streams: [streamOf(bytes)], first: null };
  return packets({ form, dumps: 1, connections: [connection], headerBytes: 0, notes });
}

function ofFramed(
  framed: readonly (Framed | null)[],
  form: SourceForm,
  more: readonly string[] = [],
): Taken {
  const known = framed.filter((one) => one !== null);
  const segments = known.filter((one) => one.type === "segment");
  const others = known.filter((one) => one.type === "other");
  const connections = connectionsOfSegments(known);
  if (connections.length === 0) {
    const what = segments.length > 0 ? "TCP without data" : (others[0]?.what ?? "no TCP");
    return { type: "foreign", what, hint: "MQTT is the data of TCP; pass a packet that has some" };
  }
  const notes = [
    ...more,
    ...skippedNote(others.length, "without TCP"),
    ...skippedNote(framed.length - known.length, "without a known header"),
  ];
  const headerBytes = segments.reduce((sum, one) => sum + one.headerBytes, 0);
  return packets({ form, dumps: framed.length, connections, headerBytes, notes });
}

function skippedNote(count: number, why: string): string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? "dump" : "dumps"} ${why} skipped`];
}

function packets(source: PacketSource): Taken {
  return { type: "packets", ...source };
}
