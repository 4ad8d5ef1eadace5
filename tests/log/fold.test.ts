import { expect, test } from "bun:test";
import { folded, shortened } from "../../src/log/fold.ts";
import { width } from "../../src/log/width.ts";

const text = "silence of 15 s ends it, 1 subscriber was told on home/dev-42/status within 3.50 ms";

test("folded: lines of at most so many columns, with numbers beside their units", () => {
  expect(folded(text, 24)).toEqual([
    "silence of 15 s ends it,",
    "1 subscriber was told on",
    "home/dev-42/status",
    "within 3.50 ms",
  ]);
  expect(folded(text, 200)).toEqual([text]);
  expect(folded("", 10)).toEqual([""]);
});

test("folded: lines below the first are indented, and stay within the columns", () => {
  for (const columns of [24, 40, 60]) {
    const [first = "", ...more] = folded(text, columns, { indent: 4 });
    expect(width(first)).toBeLessThanOrEqual(columns);
    expect(more.length).toBeGreaterThan(0);
    for (const line of more) {
      expect(line).toMatch(/^ {4}\S/);
      expect(width(line)).toBeLessThanOrEqual(columns);
    }
  }
});

test("folded: a wide character is two columns", () => {
  expect(folded("灯灯灯 灯灯灯 灯灯灯", 13)).toEqual(["灯灯灯 灯灯灯", "灯灯灯"]);
  expect(folded("灯灯灯 灯灯灯 灯灯灯", 12)).toEqual(["灯灯灯", "灯灯灯", "灯灯灯"]);
});

test("folded: a word longer than a line is kept whole, or cut", () => {
  const word = "x".repeat(25);
  expect(folded(`a ${word} b`, 10)).toEqual(["a", word, "b"]);
  const cut = folded(`a ${word} b`, 10, { longWords: "cut" });
  expect(cut).toEqual(["a", "x".repeat(10), "x".repeat(10), "xxxxx b"]);
});

test("shortened: the start and the end stay", () => {
  expect(shortened("dev-42", 10)).toBe("dev-42");
  expect(shortened("0123456789", 10)).toBe("0123456789");
  const id = `${"a".repeat(200)}${"b".repeat(100)}`;
  expect(shortened(id, 23)).toBe(`${"a".repeat(14)}...${"b".repeat(6)}`);
  for (const columns of [8, 9, 23, 64]) {
    for (const long of [id, "灯".repeat(100), "e\u0301".repeat(100), "👩‍🚀".repeat(50)]) {
      expect(width(shortened(long, columns))).toBeLessThanOrEqual(columns);
      expect(shortened(long, columns)).toContain("...");
    }
  }
});
