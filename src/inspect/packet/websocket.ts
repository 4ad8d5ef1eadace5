import { ascii, beginsWith, type Foreign } from "./foreign.ts";
import { frameAt } from "./frame.ts";
import { packetTree } from "./packet.ts";

/** The MQTT bytes of WebSocket frames of one direction. */
export interface Unframed {
  readonly bytes: Uint8Array;
  /** For each frame: where its bytes begin, in `bytes` and in what was given. */
  readonly places: readonly { readonly at: number; readonly from: number }[];
  readonly frames: number;
  /** Sentences on what is unusual. */
  readonly notes: readonly string[];
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const compressed: Foreign = {
  what: "WebSocket frames with permessage-deflate compression",
  hint: "switch the compression off in the client or the broker, and capture again",
};

/**
 * Bytes of a WebSocket connection (RFC 6455), with or without the HTTP head before them: its frames unmasked and joined.
 * `Foreign`: HTTP without frames, or compressed frames. Null: the bytes are no WebSocket.
 */
export function unframed(bytes: Uint8Array): Unframed | Foreign | null {
  const head = httpHead(bytes, 0);
  if (head === null && !beginsWithFrame(bytes)) return null;
  if (head !== null && !head.isUpgrade) return head.foreign;
  const reader = new FrameReader(bytes);
  let at = 0;
  while (at < bytes.length && !reader.isCompressed) {
    // Both directions may stand in one file.
    const more = httpHead(bytes, at);
    if (more !== null && !more.isUpgrade) break;
    const next: number = more === null ? reader.frame(at) : more.end;
    if (next <= at) break;
    at = next;
  }
  if (reader.isCompressed) return compressed;
  if (reader.frames === 0 && head !== null) return head.foreign;
  return reader.result();
}

class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #parts: Uint8Array[] = [];
  readonly #places: { at: number; from: number }[] = [];
  readonly #notes = new Set<string>();
  #size = 0;
  frames = 0;
  isCompressed = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Reads the frame at an offset. Returns where the next one begins; the same offset: there is none. */
  frame(start: number): number {
    const header = frameHeader(this.#bytes, start);
    if (header === null) {
      this.#notes.add("the last WebSocket frame is incomplete");
      return this.#bytes.length;
    }
    const { opcode, isFinal, reserved, mask, body, length } = header;
    if (!isKnown(header)) {
      this.#notes.add(`the bytes at offset ${start} are no WebSocket frame`);
      return start;
    }
    this.isCompressed = reserved !== 0;
    this.frames++;
    const end = Math.min(body + length, this.#bytes.length);
    if (end < body + length) this.#notes.add("the last WebSocket frame is incomplete");
    const data = unmasked(this.#bytes.subarray(body, end), mask);
    if (opcode < opcodes.close) this.#take(start, data, opcode);
    else this.#control(opcode, data);
    if (!isFinal && opcode >= opcodes.close) this.#notes.add("a control frame is fragmented");
    return body + length;
  }

  #take(start: number, data: Uint8Array, opcode: number): void {
    if (opcode === opcodes.text) {
      this.#notes.add("text frames, where MQTT requires binary ones [v4-6.0.0-1]");
    }
    this.#places.push({ at: this.#size, from: start });
    this.#parts.push(data);
    this.#size += data.length;
  }

  #control(opcode: number, data: Uint8Array): void {
    if (opcode !== opcodes.close) return;
    const code = data.length < 2 ? "" : ` with status ${(data[0] ?? 0) * 256 + (data[1] ?? 0)}`;
    this.#notes.add(`a Close frame${code}`);
  }

  result(): Unframed {
    return {
      bytes: Uint8Array.from(Buffer.concat(this.#parts)),
      places: this.#places,
      frames: this.frames,
      notes: [...this.#notes],
    };
  }
}

interface FrameHeader {
  readonly opcode: number;
  readonly isFinal: boolean;
  /** RSV1 to RSV3, as a number of three bits. */
  readonly reserved: number;
  readonly mask: Uint8Array | null;
  readonly body: number;
  readonly length: number;
}

const known: readonly number[] = Object.values(opcodes);

/** RSV1 says that a frame is compressed; nothing uses the other two. */
function isKnown({ opcode, reserved }: FrameHeader): boolean {
  return known.includes(opcode) && (reserved & ~4) === 0;
}

/** Null: the bytes end within it. */
function frameHeader(bytes: Uint8Array, start: number): FrameHeader | null {
  const [first, second] = [bytes[start], bytes[start + 1]];
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const size = short === 127 ? 8 : short === 126 ? 2 : 0;
  let length = size === 0 ? short : 0;
  for (let at = 0; at < size; at++) length = length * 256 + (bytes[start + 2 + at] ?? 0);
  const masked = second >= 0x80 ? 4 : 0;
  const maskAt = start + 2 + size;
  const body = maskAt + masked;
  if (body > bytes.length) return null;
  return {
    opcode: first & 0x0f,
    isFinal: first >= 0x80,
    reserved: (first >> 4) & 7,
    mask: masked === 0 ? null : bytes.subarray(maskAt, body),
    body,
    length,
  };
}

/**
 * Whether a whole frame begins here whose data begin a packet of MQTT, in bytes that are no packet themselves. `82` begins
 * a SUBSCRIBE too.
 */
function beginsWithFrame(bytes: Uint8Array): boolean {
  let start = 0;
  let header = frameHeader(bytes, start);
  // Ping, Pong or Close first: what is behind it decides.
  while (header !== null && isKnown(header) && header.opcode >= opcodes.close) {
    if (!header.isFinal || header.length >= 126) return false;
    start = header.body + header.length;
    header = frameHeader(bytes, start);
  }
  if (header === null || !isKnown(header)) return false;
  const { opcode, reserved, mask, body, length } = header;
  const end = body + length;
  if (opcode === opcodes.continuation || length === 0 || end > bytes.length) return false;
  const isSound = ([3, 4, 5] as const).some((protocol) => {
    const [tree] = packetTree(bytes.subarray(start), { protocol, most: 1 });
    return tree?.violations.length === 0 && tree.missing === 0;
  });
  if (isSound) return false;
  // What is compressed can't be looked at; a masked frame that ends with the bytes, or before another, is no chance.
  if (reserved !== 0)
    return mask !== null && (end === bytes.length || (bytes[end] ?? 0) >> 4 === 0xc);
  const data = unmasked(bytes.subarray(body, end), mask);
  const frame = frameAt(data, 0);
  if (frame.lengthFlaw === "endless") return false;
  const [tree] = packetTree(data, { protocol: "auto", most: 1 });
  return tree !== undefined && tree.violations.length === 0;
}

function unmasked(data: Uint8Array, mask: Uint8Array | null): Uint8Array {
  return mask === null ? data : data.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
}

interface HttpHead {
  /** A request or an answer that changes to WebSocket. */
  readonly isUpgrade: boolean;
  readonly end: number;
  readonly foreign: Foreign;
}

const httpStarts = ["GET ", "POST ", "PUT ", "HEAD ", "OPTIONS ", "CONNECT ", "HTTP/1."].map(ascii);

function httpHead(bytes: Uint8Array, start: number): HttpHead | null {
  const rest = bytes.subarray(start);
  if (!httpStarts.some((one) => beginsWith(rest, one))) return null;
  const text = Buffer.from(rest.subarray(0, 16_384)).toString("latin1");
  const first = /^(?:[A-Z]+ \S+ HTTP\/1\.\d|HTTP\/1\.\d (\d{3}))/.exec(text);
  if (first === null) return null;
  const [, status] = first;
  const blank = /\r?\n\r?\n/.exec(text);
  const end = blank === null ? bytes.length : start + blank.index + blank[0].length;
  const asks = /^upgrade:\s*websocket/im.test(text.slice(0, end - start));
  const isUpgrade = asks && (status === undefined || status === "101");
  return { isUpgrade, end, foreign: httpForeign(status, asks) };
}

function httpForeign(status: string | undefined, asks: boolean): Foreign {
  if (status !== undefined && status !== "101") {
    return {
      what: `an HTTP answer with status ${status}`,
      hint: "the server refused the WebSocket; check its port and path, usually /mqtt",
    };
  }
  if (!asks) return { what: "HTTP", hint: "capture the connection to the broker's MQTT port" };
  return {
    what: "an HTTP upgrade to WebSocket, without a frame behind it",
    hint: "pass the frames that follow it too",
  };
}
