import { expect, test } from "bun:test";
import type { WillPacket } from "../../src/core/packet.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { type Bytes, connect, properties, text } from "./frames.ts";

const delay = [0x18, 0, 0, 0, 30];
/** 100 User Properties of 1 kB. */
const large = Array.from({ length: 100 }, () => [0x26, ...text("k"), ...text("v".repeat(1000))]);
const small = [0x26, ...text("k"), ...text("v")];

/** Its will, and the buffer that it came in. */
function willOf(block: Bytes, clientId = "c"): readonly [WillPacket, ArrayBufferLike] {
  const rest = [block, text("status"), text("gone")];
  const chunk = Uint8Array.from(connect(5, { flags: 0x06, clientId, rest }));
  const reader = new PacketReader({ packetSize: 1_000_000 });
  reader.feed(chunk);
  const packet = reader.next();
  if (packet?.type !== "connect" || packet.will === null) throw new Error("no will");
  return [packet.will, chunk.buffer];
}

test("a will that takes most of its CONNECT is not copied", () => {
  for (const block of [[delay, ...large], [...large, delay], large]) {
    const [{ payload, properties: kept }, buffer] = willOf(properties(5, ...block));
    expect(kept).toEqual(Uint8Array.from(large.flat()));
    expect(new TextDecoder().decode(payload)).toBe("gone");
    expect([kept?.buffer, payload.buffer]).toEqual([buffer, buffer]);
  }
});

test("without the properties between others it is copied once, with its payload", () => {
  const [{ payload, properties: kept }] = willOf(properties(5, small, delay, ...large));
  expect(kept).toEqual(Uint8Array.from([small, ...large].flat()));
  expect(kept?.buffer.byteLength).toBe(kept?.length);
  expect(payload.buffer.byteLength).toBe(4);
});

test("a small one keeps nothing else of its CONNECT", () => {
  const [{ payload, properties: kept }] = willOf(properties(5, small), "c".repeat(60_000));
  expect(kept).toEqual(Uint8Array.from(small));
  expect([payload.buffer.byteLength, kept?.buffer.byteLength]).toEqual([4, small.length]);
});
