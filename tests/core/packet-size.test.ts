import { expect, test } from "bun:test";
import fc from "fast-check";
import { publishSize, publishSizeBound } from "../../src/core/packet-size.ts";
import { millis } from "./messages.ts";

test("a PUBLISH is never larger than its bound, which is computed without reading a character", () => {
  const topic = fc.string({ unit: "binary", maxLength: 200 });
  const length = fc.integer({ min: 0, max: 300_000 }).map((bytes) => ({ length: bytes }));
  fc.assert(
    fc.property(
      fc.record({
        topic,
        qos: fc.constantFrom<(0 | 1 | 2)[]>(0, 1, 2),
        payload: length,
        properties: fc.option(length),
        expiresAt: fc.option(fc.constant(millis(1))),
      }),
      fc.array(fc.integer({ min: 1, max: 0xfff_ffff }), { maxLength: 5 }),
      fc.constantFrom<(4 | 5)[]>(4, 5),
      (message, identifiers, version) => {
        const copy = { qos: message.qos, retain: false, identifiers, shared: null };
        const size = publishSize(message, copy, version, 0);
        expect(publishSizeBound(message, copy)).toBeGreaterThanOrEqual(size);
      },
    ),
    { numRuns: 500 },
  );
});
