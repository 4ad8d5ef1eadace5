import { expect, test } from "bun:test";
import { padded, pieces, width } from "../../src/log/width.ts";

test("a character takes as many columns as Bun says that a terminal gives it", () => {
  const others: string[] = [];
  for (let code = 0x20; code <= 0x3ffff; code++) {
    const character = String.fromCodePoint(code);
    // What does not print never gets into a line. Spacing marks (Mc) are Bun's own: terminals
    // that go by wcwidth give them a column, as we do.
    if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Mc}]/u.test(character)) continue;
    if (width(character) !== Bun.stringWidth(character)) others.push(code.toString(16));
  }
  // Three letters of India that Bun takes for marks, and a keycap's frame, which is one.
  expect(others).toEqual(["980", "c80", "d3a", "20e3"]);
});

test("a text is as wide as its characters", () => {
  expect(
    ["", "dev-42", "灯-三", "e\u0301", "한", "\u1112\u1161", "🇩🇪", "👍", "ﾃﾞ"].map(width),
  ).toEqual([0, 6, 5, 1, 2, 2, 2, 2, 2]);
  expect(padded("灯", 5)).toBe("灯   ");
  expect(padded("too long", 3)).toBe("too long");
});

test("pieces end before a character that does not fit, and hold one at least", () => {
  expect(pieces("灯灯灯", 5)).toEqual(["灯灯", "灯"]);
  expect(pieces("灯灯", 1)).toEqual(["灯", "灯"]);
  expect(pieces("e\u0301e\u0301", 1)).toEqual(["e\u0301", "e\u0301"]);
  expect(pieces("", 5)).toEqual([""]);
});
