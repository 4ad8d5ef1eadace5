import { Sender } from "websocket-frames";

const opcodes = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** The header of a binary frame that a server sends [v4-6.0.0-1] [v5-6.0.0-1]: no mask, all of its message. */
export function serverHeader(payload: Uint8Array): Uint8Array {
  return part(payload, opcodes.binary, false)[0] ?? payload;
}

/** A binary frame that a client sends: masked, in memory of its own. */
export function clientFrame(payload: Uint8Array): Uint8Array {
  return Buffer.concat(part(payload, opcodes.binary, true));
}

/** A control frame. `payload`: at most 125 bytes. `isMasked`: a client sends it. */
export function controlFrame(
  type: "close" | "ping" | "pong",
  payload: Uint8Array,
  isMasked: boolean,
): Uint8Array {
  return Buffer.concat(part(payload, opcodes[type], isMasked));
}

/** A Close frame with a status; null: without. */
export function closeFrame(code: number | null, isMasked: boolean): Uint8Array {
  const payload = code === null ? [] : [code >> 8, code & 0xff];
  return controlFrame("close", Uint8Array.from(payload), isMasked);
}

function part(payload: Uint8Array, opcode: number, mask: boolean): Uint8Array[] {
  return Sender.frame(payload, { fin: true, opcode, mask, readOnly: true });
}
