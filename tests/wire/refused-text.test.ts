import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { textFlaw } from "../../src/wire/utf8.ts";
import { errorOf, publish, read } from "./frames.ts";

describe("text is refused (v4-1.5.3-1, v5-1.5.4-1):", () => {
  const cases: readonly (readonly [name: string, bytes: readonly number[]])[] = [
    ["a lone continuation byte", [0x80]],
    ["overlong form of two bytes", [0xc1, 0xbf]],
    ["overlong U+0000", [0xc0, 0x80]],
    ["overlong form of three bytes", [0xe0, 0x9f, 0xbf]],
    ["overlong form of four bytes", [0xf0, 0x8f, 0xbf, 0xbf]],
    ["the first surrogate", [0xed, 0xa0, 0x80]],
    ["the last surrogate", [0xed, 0xbf, 0xbf]],
    ["a surrogate pair", [0xed, 0xa0, 0xb4, 0xed, 0xb4, 0x9e]],
    ["past U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["lead byte F5", [0xf5, 0x80, 0x80, 0x80]],
    ["two bytes cut short", [0xc3]],
    ["three bytes cut short", [0xe2, 0x82]],
    ["four bytes cut short", [0xf0, 0x9f, 0x98]],
    ["a sequence that another one interrupts", [0xe2, 0x41, 0xac]],
  ];
  for (const [name, bytes] of cases) {
    test(name, () => {
      expect(errorOf(read(4, publish(4, { topic: bytes }))).statement).toBe("v4-1.5.3-1");
      expect(errorOf(read(5, publish(5, { topic: bytes }))).statement).toBe("v5-1.5.4-1");
    });
  }
});

describe("text is accepted and stays unchanged:", () => {
  const cases: readonly string[] = [
    "\u{1}",
    "\u{7f}",
    "\u{80}",
    "\u{7ff}",
    "\u{800}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10000}",
    "\u{10ffff}",
    // A byte order mark is an ordinary character here (v4-1.5.3-3, v5-1.5.4-3).
    "\u{feff}topic",
  ];
  for (const topic of cases) {
    test(`U+${(topic.codePointAt(0) ?? 0).toString(16)}`, () => {
      expect(read(4, publish(4, { topic }))).toMatchObject({ type: "publish", topic });
    });
  }
});

test("a payload declared as UTF-8 may contain U+0000", () => {
  const bytes = publish(5, { properties: [[0x01, 1]], payload: "a\0b" });
  expect(read(5, bytes)).toMatchObject({ type: "publish" });
});

test("agrees with the platform's own decoder on well-formed text", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const byte = fc.oneof(
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom(0x80, 0xbf, 0xc2, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0x8f, 0x90, 0x9f, 0xa0),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 6 }), (array) => {
      const bytes = Uint8Array.from(array);
      let wellFormed = true;
      try {
        decoder.decode(bytes);
      } catch {
        wellFormed = false;
      }
      expect(textFlaw(bytes, 0, bytes.length, true) === null).toBe(wellFormed);
    }),
    { numRuns: 3000 },
  );
});
