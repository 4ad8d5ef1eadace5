import { expect, test } from "bun:test";
import fc from "fast-check";
import { FrameCutter, headBytes } from "../../src/load/frames.ts";
import { pingreq, publish } from "../../src/load/packets.ts";

/** Cuts the stream as given, and returns each packet: its size and what was kept of it. */
function cut(chunks: readonly Uint8Array[]): { frames: string[]; isWhole: boolean } {
  const frames: string[] = [];
  const cutter = new FrameCutter({
    frame: (bytes, start, size) =>
      frames.push(`${size} ${bytes.subarray(start, start + Math.min(size, headBytes)).toHex()}`),
  });
  for (const chunk of chunks) cutter.push(chunk);
  return { frames, isWhole: cutter.isWhole };
}

const payloads = fc.array(fc.nat({ max: 3 * headBytes }), { minLength: 1, maxLength: 8 });

test("the same packets however the stream is cut", () => {
  fc.assert(
    fc.property(payloads, fc.array(fc.integer({ min: 1, max: 900 })), (sizes, cuts) => {
      const packets = sizes.flatMap((size) => [
        publish(4, "a/b", new Uint8Array(size).fill(size & 0xff)),
        pingreq,
      ]);
      const stream = Buffer.concat(packets);
      const chunks: Uint8Array[] = [];
      let at = 0;
      for (const size of cuts) {
        if (at < stream.length) chunks.push(stream.subarray(at, at + size));
        at += size;
      }
      if (at < stream.length) chunks.push(stream.subarray(at));
      const { frames, isWhole } = cut(chunks);
      expect(frames).toEqual(cut(packets).frames);
      expect(frames).toHaveLength(packets.length);
      expect(isWhole).toBe(true);
    }),
  );
});

test("a packet that is not there yet is not one", () => {
  const packet = publish(4, "a/b", new Uint8Array(300));
  expect(cut([packet.subarray(0, packet.length - 1)])).toEqual({ frames: [], isWhole: false });
  expect(cut([packet.subarray(0, 2)])).toEqual({ frames: [], isWhole: false });
});
