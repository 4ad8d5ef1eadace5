import { isUtf8 } from "node:buffer";
import { FrameReader } from "../../src/websocket/frame-reader.ts";
import { answerUpgrade } from "../../src/websocket/handshake.ts";
import { HeadReader, headMaxBytes } from "../../src/websocket/http-head.ts";
import type { Dice } from "../support/dice.ts";
import { frameOf } from "../websocket/frame-stream.ts";
import { upgrade } from "../websocket/server-bytes.ts";
import { Broken } from "./hostile-link.ts";

const frameMaxBytes = 4096;
/** The longest header, or a control frame. */
const heldBytes = 14 + 125;

/** What frames bring. */
interface Read {
  readonly payload: string;
  /** Status of the Close frame that answers a violation; null: none. */
  readonly violation: number | null;
  /** Status of the peer's Close frame; 0: without one; null: there is none. */
  readonly close: number | null;
}

/**
 * Checks the way from a client's first byte to its payloads: the same chunks in one piece give the
 * same, a second reader of frames agrees, and little is kept.
 */
export function judgeWebSocket(parts: readonly Uint8Array[]): void {
  const whole = Buffer.concat(parts);
  const [inPieces, atOnce] = [readAll(parts), readAll([whole])];
  const [a, b] = [JSON.stringify(inPieces), JSON.stringify(atOnce)];
  if (a !== b) throw new Broken(`in pieces ${a}, at once ${b}`);
  if (atOnce === null) return;
  const expected = JSON.stringify(naive(whole.subarray(whole.indexOf("\r\n\r\n") + 4)));
  if (b !== expected) throw new Broken(`read ${b}, expected ${expected}`);
}

/** Null: the upgrade is incomplete, or refused. */
function readAll(parts: readonly Uint8Array[]): Read | null {
  const head = new HeadReader();
  const frames = new FrameReader(true, frameMaxBytes);
  let isOpen = false;
  let payload = "";
  for (const part of parts) {
    let chunk = new Uint8Array(part);
    if (!isOpen) {
      const found = head.feed(chunk);
      if (head.held > headMaxBytes) throw new Broken(`${head.held} bytes of a head are kept`);
      if (found === null) continue;
      if (answerUpgrade(found.head, { path: null, origins: null }).refusal !== null) return null;
      isOpen = true;
      chunk = new Uint8Array(found.rest);
    }
    frames.begin(chunk);
    frames.read(0, chunk.length);
    payload += frames.take().toHex();
    if (!frames.isOver && frames.held > heldBytes)
      throw new Broken(`${frames.held} bytes are kept`);
  }
  if (!isOpen) return null;
  const { violation, close } = frames;
  return { payload, violation: violation?.code ?? null, close: close && (close.code ?? 0) };
}

/** RFC 6455 without chunks. */
function naive(bytes: Buffer): Read {
  let payload = "";
  let isFragmented = false;
  const over = (violation: number | null, close: number | null = null): Read => {
    return { payload, violation, close };
  };
  for (let at = 0; ;) {
    if (at + 2 > bytes.length) return over(null);
    const [first, second] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)];
    const opcode = first & 15;
    const [isFinal, isControl, short] = [first >= 128, opcode >= 8, second & 127];
    if ((first & 0x70) !== 0 || ![0, 1, 2, 8, 9, 10].includes(opcode)) return over(1002);
    if (!isControl && (opcode === 0) !== isFragmented) return over(1002);
    if (isControl && (!isFinal || short > 125 || (opcode === 8 && short === 1))) return over(1002);
    if (second < 128) return over(1002);
    const more = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (at + 2 + more > bytes.length) return over(null);
    const long = more === 8 ? bytes.readBigUInt64BE(at + 2) : null;
    const length = long === null ? (more === 2 ? bytes.readUInt16BE(at + 2) : short) : Number(long);
    if (!isControl && length > frameMaxBytes) return over(1009);
    const body = at + 6 + more;
    if (body > bytes.length) return over(null);
    if (opcode === 1) return over(1003);
    const mask = bytes.subarray(body - 4, body);
    const data = bytes.subarray(body, body + length).map((byte, i) => byte ^ (mask[i & 3] ?? 0));
    if (!isControl) {
      payload += new Uint8Array(data).toHex();
      isFragmented = !isFinal;
    }
    if (data.length < length) return over(null);
    if (opcode === 8) {
      if (length === 0) return over(null, 0);
      const status = Buffer.from(data).readUInt16BE(0);
      const isKnown = status >= 1000 && status <= 1014 && ![1004, 1005, 1006].includes(status);
      if (!isKnown && (status < 3000 || status > 4999)) return over(1002);
      return isUtf8(data.subarray(2)) ? over(null, status) : over(1007);
    }
    at = body + length;
  }
}

/** An upgrade and frames, most of them sound. */
export function drawWebSocket(dice: Dice): Uint8Array {
  const request = dice.chance(90)
    ? upgrade
    : upgrade.replace(dice.pick(["\r\n", ":", "1", "e"]), "");
  const frames = Array.from({ length: dice.between(0, 8) }, (_, index) => drawFrame(dice, index));
  const bytes = Buffer.concat([Buffer.from(request), ...frames]);
  if (dice.chance(20)) bytes[dice.below(bytes.length)] = dice.below(256);
  return bytes;
}

function drawFrame(dice: Dice, index: number): Uint8Array {
  const opcode = dice.pick([2, 2, 2, index === 0 ? 2 : 0, 0, 9, 10, 8, 1, dice.below(16)]);
  const payload = opcode === 8 ? closeBody(dice) : dice.bytes(dice.pick([0, 1, 5, 125, 126, 300]));
  return frameOf(payload, {
    opcode,
    fin: dice.chance(80),
    mask: dice.chance(97) ? [...dice.bytes(4)] : null,
    reserved: dice.chance(97) ? 0 : dice.pick([0x10, 0x20, 0x40]),
    ...(dice.chance(3) && { announced: dice.pick([0n, 126n, 4097n, 65_536n, 2n ** 60n]) }),
  });
}

function closeBody(dice: Dice): Uint8Array {
  const status = dice.pick([1000, 1001, 1005, 999, 3000, 5000]);
  const body = [status >> 8, status & 255, ...dice.bytes(dice.below(4))];
  return Uint8Array.from(dice.chance(80) ? body : body.slice(0, dice.below(2)));
}
