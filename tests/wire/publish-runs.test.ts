import { expect, test } from "bun:test";
import fc from "fast-check";
import type { ProtocolVersion, PublishRun } from "../../src/core/packet.ts";
import { connected, frame, publish, text, type Bytes } from "./frames.ts";

const version = fc.constantFrom<ProtocolVersion>(3, 4, 5);
const one = fc.record({
  first: fc.constantFrom(0x30, 0x30, 0x32, 0x32, 0x34, 0x34, 0x31, 0x3a),
  topic: fc.constantFrom("a", "a", "a", "a/b", "a/c"),
  packetId: fc.constantFrom(1, 2, 3, 0xff00),
  payload: fc.constantFrom("", "x", "y", "z".repeat(130)),
  times: fc.constantFrom(1, 1, 2, 5, 70),
});

function bytesOf(of: ProtocolVersion, { first, packetId, times, ...rest }: Sample): Bytes[] {
  return Array.from({ length: times }, (_, at) =>
    publish(of, { ...rest, first, ...(first >= 0x32 && { packetId: packetId + at }) }),
  );
}
type Sample = typeof one extends fc.Arbitrary<infer Value> ? Value : never;

test("read in runs or one by one, PUBLISHes are the same", () => {
  const sizes = new Set<number>();
  fc.assert(
    fc.property(version, fc.array(one), fc.integer({ min: 1, max: 2000 }), (of, all, cut) => {
      const bytes = Uint8Array.from(all.flatMap((sample) => bytesOf(of, sample)).flat());
      expect(readAll(of, bytes, cut, sizes)).toEqual(readAll(of, bytes, cut, null));
    }),
    { numRuns: 300 },
  );
  // All of a run, and a part of it.
  expect(sizes.size).toBeGreaterThan(2);
});

/** `sizes` null: one by one. Of each second run only two packets are taken, of each third none. */
function readAll(of: ProtocolVersion, bytes: Uint8Array, cut: number, sizes: Set<number> | null) {
  const reader = connected(of);
  const read: unknown[] = [];
  let runs = 0;
  for (let at = 0; at < bytes.length; at += cut) {
    reader.feed(bytes.slice(at, at + cut));
    for (;;) {
      const run = sizes === null ? null : reader.nextRun();
      if (run !== null) {
        const found = run.bounds.length - 1;
        expect(found).toBeGreaterThan(1);
        const taken = [found, 2][runs++ % 3] ?? 0;
        if (taken === 0) reader.leaveRun(run);
        else {
          reader.takeRun(run, taken);
          sizes?.add(taken);
          read.push(...packetsOf(run, taken));
          continue;
        }
      }
      const packet = reader.next();
      if (packet === null) break;
      if (packet.type !== "publish") throw new Error(packet.type);
      const { topic, qos, retain, dup, packetId, payload } = packet;
      read.push({ topic, qos, retain, dup, packetId, payload: Buffer.from(payload).toString() });
    }
  }
  return read;
}

function packetsOf(run: PublishRun, count: number) {
  const { topic, qos, bytes, packetIds, idsAt, place } = run;
  return Array.from({ length: count }, (_, at) => {
    const packetId = packetIds[at] ?? 0;
    if (qos > 0) expect(Buffer.from(bytes).readUInt16BE(idsAt[place + at])).toBe(packetId);
    const payload = Buffer.from(run.payload(at));
    expect(payload.length).toBeLessThanOrEqual(run.payloadBytes);
    return { topic, qos, retain: false, dup: false, packetId, payload: payload.toString() };
  });
}

const cases: Record<string, readonly Bytes[]> = {
  "with another topic of the same length": [publish(4, { topic: "a" }), publish(4, { topic: "b" })],
  "of which one is incomplete": [publish(4, {}), publish(4, { payload: "xyz" }).slice(0, -1)],
  "with a longer Remaining Length than it takes": [
    publish(4, {}),
    [0x30, 0x85, 0x00, ...text("a/b")],
  ],
  "with packet id 0": [
    publish(4, { first: 0x32, packetId: 1 }),
    publish(4, { first: 0x32, packetId: 0 }),
  ],
  "with QoS 2 and the same packet id": [
    publish(4, { first: 0x34, packetId: 1 }),
    publish(4, { first: 0x34, packetId: 1 }),
  ],
  "that end within the topic": [publish(4, {}), frame(0x30, [0, 9, 0x61])],
  "with QoS 3": [publish(4, { first: 0x36 }), publish(4, { first: 0x36 })],
  "without a topic": [publish(4, { topic: "" }), publish(4, { topic: "" })],
  "with a topic that is not UTF-8": [publish(4, { topic: [0xff] }), publish(4, { topic: [0xff] })],
};

for (const [name, packets] of Object.entries(cases)) {
  test(`PUBLISHes ${name} are no run`, () => {
    const reader = connected(4);
    reader.feed(Uint8Array.from(packets.flat()));
    expect(reader.nextRun()).toBeNull();
  });
}

test("a PUBLISH with properties, or too large, ends a run", () => {
  const plain = publish(5, {});
  const expires = publish(5, { properties: [[2, 0, 0, 0, 9]] });
  const reader = connected(5, 40);
  reader.feed(Uint8Array.from([...plain, ...plain, ...expires, ...plain]));
  expect(reader.nextRun()?.bounds).toEqual([0, plain.length, 2 * plain.length]);
  const other = connected(5, 40);
  const large = publish(5, { payload: "x".repeat(40) });
  other.feed(Uint8Array.from([...plain, ...plain, ...large]));
  expect(other.nextRun()?.bounds).toEqual([0, plain.length, 2 * plain.length]);
});
