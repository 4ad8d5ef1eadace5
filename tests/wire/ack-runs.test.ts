import { expect, test } from "bun:test";
import fc from "fast-check";
import { readAckRun } from "../../src/wire/ack.ts";
import { PacketReader } from "../../src/wire/reader.ts";
import { connect } from "./frames.ts";

const names = ["puback", "pubrec", "pubrel", "pubcomp"] as const;
const firstByte = { puback: 0x40, pubrec: 0x50, pubrel: 0x62, pubcomp: 0x70 };

const short = fc.record({
  name: fc.constantFrom(...names),
  id: fc.integer({ min: 1, max: 0xffff }),
});
const packet = fc.oneof(
  {
    weight: 40,
    arbitrary: short.map(({ name, id }) => [firstByte[name], 2, id >> 8, id & 0xff]),
  },
  { weight: 5, arbitrary: short.map(({ id }) => [0x40, 3, id >> 8, id & 0xff, 0x10]) },
  { weight: 5, arbitrary: fc.constant([0xc0, 0]) },
  { weight: 5, arbitrary: fc.constant([0x30, 4, 0, 1, 0x61, 0]) },
  { weight: 1, arbitrary: fc.constant([0x40, 2, 0, 0]) },
);

test("read in runs or one by one, acknowledgements are the same", () => {
  fc.assert(
    fc.property(
      fc.array(packet, { maxLength: 200 }),
      fc.integer({ min: 1, max: 999 }),
      (all, cut) => {
        const bytes = Uint8Array.from(all.flat());
        expect(readAll(bytes, cut, true)).toEqual(readAll(bytes, cut, false));
      },
    ),
    { numRuns: 300 },
  );
});

function readAll(bytes: Uint8Array, cut: number, inRuns: boolean): unknown[] {
  const reader = new PacketReader({ packetSize: Infinity });
  reader.feed(Uint8Array.from(connect(5)));
  reader.next();
  const read: unknown[] = [];
  for (let at = 0; at < bytes.length; at += cut) {
    reader.feed(bytes.slice(at, at + cut));
    for (;;) {
      const run = inRuns ? reader.nextAcks() : null;
      if (run !== null) {
        expect(run.packetIds.length).toBeGreaterThan(1);
        for (const packetId of run.packetIds) read.push({ type: run.type, packetId, reason: 0 });
        continue;
      }
      const packet = reader.next();
      if (packet === null) break;
      read.push(packet.type === "publish" ? packet.type : packet);
    }
  }
  return read;
}

test("a run is bounded, so that a turn can end after it", () => {
  const bytes = new Uint8Array(4 * 1000);
  for (let at = 0; at < bytes.length; at += 4) bytes.set([0x40, 2, 0, 1], at);
  expect(readAckRun(bytes, 0)?.packetIds.length).toBe(64);
});
