const upgradeLines = [
  "Host: 127.0.0.1",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Protocol: mqtt",
];

/** A sound request for a WebSocket. */
export const upgrade = `GET /mqtt HTTP/1.1\r\n${upgradeLines.join("\r\n")}\r\n\r\n`;

/** What a server has sent on a WebSocket. */
export interface Spoken {
  /** `101`; empty: no complete head. */
  readonly status: string;
  /** Payload of all data frames. */
  readonly text: string;
  readonly dataFrames: number;
  /** Payloads of Pongs. */
  readonly pongs: readonly string[];
  /** Status of the Close frame; null: there is none. */
  readonly close: number | null;
}

/** Takes apart what a server sent, HTTP head first. */
export function spoken(bytes: Uint8Array): Spoken {
  const all = Buffer.from(bytes);
  const end = all.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.1 (\d+)/.exec(all.toString("latin1"))?.[1] ?? "";
  const frames: { opcode: number; payload: Buffer }[] = [];
  let at = end < 0 || status !== "101" ? all.length : end + 4;
  while (at + 2 <= all.length) {
    const short = all.readUInt8(at + 1);
    const size = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length =
      size === 0 ? short : all.readUIntBE(at + 2 + size - Math.min(size, 6), Math.min(size, 6));
    const body = at + 2 + size;
    frames.push({ opcode: all.readUInt8(at) & 15, payload: all.subarray(body, body + length) });
    at = body + length;
  }
  const of = (opcode: number): Buffer[] =>
    frames.flatMap((one) => (one.opcode === opcode ? [one.payload] : []));
  const [close] = of(8);
  return {
    status,
    text: Buffer.concat(of(2)).toString("latin1"),
    dataFrames: of(2).length,
    pongs: of(10).map(String),
    close: close === undefined ? null : close.readUInt16BE(0),
  };
}
