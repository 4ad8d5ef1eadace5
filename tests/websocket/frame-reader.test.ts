import { expect, test } from "bun:test";
import fc from "fast-check";
import { FrameReader } from "../../src/websocket/frame-reader.ts";
import { clientFrame } from "../../src/websocket/frames.ts";
import { type FrameShape, frameOf } from "./frame-stream.ts";

const anySize = 1 << 20;
const text = (words: string): Uint8Array => Buffer.from(words);

/** Reads chunks one after the other, each in parts. */
function readAll(reader: FrameReader, chunks: readonly Uint8Array[], part = 8192): Uint8Array {
  const payloads: Uint8Array[] = [];
  for (const chunk of chunks) {
    reader.begin(new Uint8Array(chunk));
    for (let at = 0; at < chunk.length; at += part) {
      reader.read(at, Math.min(chunk.length, at + part));
    }
    payloads.push(new Uint8Array(reader.take()));
  }
  return Buffer.concat(payloads);
}

const byte = fc.integer({ min: 0, max: 255 });
const mask = fc.tuple(byte, byte, byte, byte);

/** A payload as frames: fragments of messages, with Pings and Pongs between. */
const framing = fc.record({
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ minLength: 60_000, maxLength: 70_000 }),
  ),
  frames: fc.array(
    fc.record({
      share: fc.nat({ max: 300 }),
      mask,
      fin: fc.boolean(),
      control: fc.constantFrom(0, 9, 10),
    }),
    { minLength: 1, maxLength: 30 },
  ),
  cuts: fc.array(fc.nat(), { maxLength: 40 }),
  part: fc.integer({ min: 1, max: 9000 }),
});

test("any cutting into frames, fragments, chunks and parts gives the same bytes", () => {
  fc.assert(
    fc.property(framing, ({ payload, frames, cuts, part }) => {
      const pieces: Uint8Array[] = [];
      let at = 0;
      let isFragmented = false;
      for (const [index, frame] of frames.entries()) {
        const isLast = index === frames.length - 1;
        const end = isLast ? payload.length : Math.min(payload.length, at + frame.share);
        const fin = isLast || frame.fin;
        const opcode = isFragmented ? 0 : 2;
        pieces.push(frameOf(payload.subarray(at, end), { opcode, fin, mask: frame.mask }));
        if (frame.control !== 0) {
          pieces.push(frameOf(Uint8Array.of(index), { opcode: frame.control, mask: frame.mask }));
        }
        isFragmented = !fin;
        at = end;
      }
      const stream = Buffer.concat(pieces);
      const places = [...new Set(cuts.map((cut) => cut % (stream.length + 1)))].sort(
        (a, b) => a - b,
      );
      const chunks = [0, ...places].map((from, index) => stream.subarray(from, places[index]));
      const reader = new FrameReader(true, anySize);
      expect(Buffer.compare(readAll(reader, chunks, part), payload)).toBe(0);
      expect(reader.violation).toBe(null);
      expect(reader.held).toBe(0);
      const ping = frames.findLastIndex(({ control }) => control === 9);
      expect(reader.ping).toEqual(ping < 0 ? null : Uint8Array.of(ping));
    }),
  );
});

test("reads what the library writes", () => {
  const reader = new FrameReader(true, anySize);
  const payload = Uint8Array.from({ length: 70_000 }, (_, at) => at * 7);
  const frames = [0, 125, 126, 65_535, 65_536].map((size) => payload.subarray(0, size));
  const stream = Buffer.concat(frames.map(clientFrame));
  expect(Buffer.compare(readAll(reader, [stream]), Buffer.concat(frames))).toBe(0);
});

test("a payload is handed on as it arrives, and nothing of it is kept", () => {
  const reader = new FrameReader(true, anySize);
  const frame = frameOf(new Uint8Array(anySize).fill(7));
  for (let at = 0; at < frame.length; at += 1000) {
    const chunk = frame.subarray(at, at + 1000);
    // All but the header.
    expect(readAll(reader, [chunk]).length).toBe(chunk.length - (at === 0 ? 14 : 0));
    expect(reader.held).toBe(0);
  }
});

test("one byte after the other", () => {
  const reader = new FrameReader(true, anySize);
  const frames = [
    frameOf(text("a")),
    frameOf(text("ping"), { opcode: 9 }),
    frameOf(new Uint8Array(300).fill(98)),
  ];
  const bytes = Buffer.concat(frames);
  const payload = readAll(
    reader,
    Array.from(bytes, (one) => Uint8Array.of(one)),
  );
  expect(Buffer.from(payload).toString()).toBe(`a${"b".repeat(300)}`);
  expect(reader.ping).toEqual(new Uint8Array(text("ping")));
});

const broken: readonly [
  name: string,
  shape: FrameShape,
  code: number,
  loss: string,
  detail: string,
][] = [
  ["no mask", { mask: null }, 1002, "webSocketFailed", "a frame without a mask"],
  [
    "RSV1",
    { reserved: 0x40 },
    1002,
    "webSocketFailed",
    "a compressed frame, and no compression was agreed on",
  ],
  ["RSV2", { reserved: 0x20 }, 1002, "webSocketFailed", "a frame with a reserved bit"],
  ["RSV3", { reserved: 0x10 }, 1002, "webSocketFailed", "a frame with a reserved bit"],
  [
    "text",
    { opcode: 1 },
    1003,
    "textFrame",
    "a WebSocket text frame, where MQTT takes binary ones only",
  ],
  [
    "text in fragments",
    { opcode: 1, fin: false },
    1003,
    "textFrame",
    "a WebSocket text frame, where MQTT takes binary ones only",
  ],
  [
    "a continuation of nothing",
    { opcode: 0 },
    1002,
    "webSocketFailed",
    "a frame with an opcode that may not stand there",
  ],
  [
    "opcode 3",
    { opcode: 3 },
    1002,
    "webSocketFailed",
    "a frame with an opcode that may not stand there",
  ],
  [
    "opcode 11",
    { opcode: 11 },
    1002,
    "webSocketFailed",
    "a frame with an opcode that may not stand there",
  ],
  [
    "a fragmented Ping",
    { opcode: 9, fin: false },
    1002,
    "webSocketFailed",
    "a fragmented control frame",
  ],
  [
    "a long Ping",
    { opcode: 9, announced: 126n },
    1002,
    "webSocketFailed",
    "a control frame of an invalid length",
  ],
  [
    "above the limit",
    { announced: BigInt(anySize) + 1n },
    1009,
    "frameTooLarge",
    "a WebSocket frame above the size of a packet",
  ],
  [
    "2^63 - 1 bytes",
    { announced: 2n ** 63n - 1n },
    1009,
    "frameTooLarge",
    "a WebSocket frame of more than 2^53 bytes",
  ],
];

test.each(broken)("%s is refused by its header", (_, shape, code, loss, detail) => {
  const reader = new FrameReader(true, anySize);
  const bytes = Buffer.concat([frameOf(text("before")), frameOf(text("x"), shape)]);
  const payload = readAll(reader, [bytes, frameOf(text("behind"))]);
  expect(Buffer.from(payload).toString()).toBe("before");
  expect(reader.violation).toEqual({ code, loss, detail } as never);
  expect(reader.isOver).toBe(true);
});

test("a client's reader takes frames without a mask only", () => {
  const reader = new FrameReader(false, anySize);
  expect(Buffer.from(readAll(reader, [frameOf(text("sound"), { mask: null })])).toString()).toBe(
    "sound",
  );
  readAll(reader, [frameOf(text("x"))]);
  expect(reader.violation?.detail).toBe("a frame with a mask");
});

test.each([
  [Uint8Array.of(), null, "without a status"],
  [Uint8Array.of(0x03, 0xe9), 1001, "1001, going away"],
  [Uint8Array.of(0x0f, 0xa0, 0x62, 0x79, 0x65), 4000, "4000"],
])("a Close frame %p", (body, code, words) => {
  const reader = new FrameReader(true, anySize);
  const bytes = Buffer.concat([
    frameOf(text("a")),
    frameOf(body, { opcode: 8 }),
    frameOf(text("b")),
  ]);
  expect(Buffer.from(readAll(reader, [bytes, frameOf(text("c"))])).toString()).toBe("a");
  expect(reader.close).toEqual({ code, text: words });
  expect(reader.violation).toBe(null);
});

test.each([
  [Uint8Array.of(1), 1002, "a control frame of an invalid length"],
  [Uint8Array.of(0x03, 0xed), 1002, "a Close frame with an invalid status"],
  [Uint8Array.of(0x03, 0xe8, 0xff), 1007, "a Close frame whose reason is no UTF-8"],
])("a Close frame %p is refused", (body, code, detail) => {
  const reader = new FrameReader(true, anySize);
  readAll(reader, [frameOf(body, { opcode: 8 })]);
  expect(reader.violation).toEqual({ code, loss: "webSocketFailed", detail });
});
