import { expect, test } from "bun:test";
import pc from "picocolors";
import { helpText } from "../../src/cli/help.ts";
import { listing } from "../../src/drop/report/listing.ts";
import { resultTable } from "../../src/drop/report/table.ts";
import { drawn, table } from "../../src/inspect/views/table.ts";
import {
  folded,
  foldedParts,
  padded,
  pieces,
  shortened,
  startOf,
  width,
} from "../../src/log/columns.ts";
import { result, scenario } from "../drop/report/results.ts";

test("a character is as wide as Bun says that a terminal shows it", () => {
  const others: string[] = [];
  for (let code = 0x20; code <= 0x3ffff; code++) {
    const character = String.fromCodePoint(code);
    // Unprintable characters never get into a line. Spacing marks (Mc) are Bun's exception:
    // terminals that follow wcwidth give them a column, and so do we.
    if (/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Mc}]/u.test(character)) continue;
    if (width(character) !== Bun.stringWidth(character)) others.push(code.toString(16));
  }
  // Three letters of India that Bun counts as marks, and a keycap's frame, which is one.
  expect(others).toEqual(["980", "c80", "d3a", "20e3"]);
});

test("a text is as wide as its characters", () => {
  expect(
    ["", "dev-42", "灯-三", "e\u0301", "한", "\u1112\u1161", "🇩🇪", "👍", "ﾃﾞ"].map(width),
  ).toEqual([0, 6, 5, 1, 2, 2, 2, 2, 2]);
  expect(padded("灯", 5)).toBe("灯   ");
  expect(padded("too long", 3)).toBe("too long");
});

test("pieces end before a character that does not fit, and contain at least one", () => {
  expect(pieces("灯灯灯", 5)).toEqual(["灯灯", "灯"]);
  expect(pieces("灯灯", 1)).toEqual(["灯", "灯"]);
  expect(pieces("e\u0301e\u0301", 1)).toEqual(["e\u0301", "e\u0301"]);
  expect(pieces("", 5)).toEqual([""]);
});

const text = "silence of 15 s ends it, 1 subscriber was told on home/dev-42/status within 3.50 ms";

test("folded: lines of at most so many columns, with numbers next to their units", () => {
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

test("startOf: dots mark the omission", () => {
  expect(startOf("dev-42", 6)).toBe("dev-42");
  expect(startOf("dev-4200", 6)).toBe("dev...");
  expect(startOf("a b c d e", 5)).toBe("a...");
  expect(startOf("灯灯灯灯", 7)).toBe("灯灯...");
  expect(startOf("灯灯灯灯", 7, "..")).toBe("灯灯..");
});

test("folded: the caller can choose where a line may break", () => {
  const command = "pub -t 'a b c' -m x";
  const fold = { breaks: / (?=[^']*(?:'[^']*'[^']*)*$)/ };
  expect(folded(command, 9, fold)).toEqual(["pub -t", "'a b c'", "-m x"]);
});

/** As many columns as characters, more, and fewer. */
const texts = {
  narrow: "silence of the whole link",
  wide: "灯三 灯三灯三 灯三灯三灯三 灯三灯三",
  marks: "e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301 e\u0301e\u0301e\u0301e\u0301",
  jamo: "\u1112\u1161\u11ab\u1112\u1161\u11ab \u1112\u1161\u11ab\u1112\u1161\u11ab",
  halfwidth: "ﾃﾞﾊﾞｲｽ ﾃﾞﾊﾞｲｽ ﾃﾞﾊﾞｲｽ",
};
const colors = pc.createColors(false);
const style = { columns: 60, colors, zone: "utc" } as const;
const titled = (title: string) => [result("a", { title, rule: "|" }), result("b", { rule: "|" })];

/** Every function that fits foreign text into columns; `|` follows the padding. */
const drawers: readonly (readonly [string, (text: string) => readonly string[]])[] = [
  [
    "a page of help",
    (text) => {
      const sections = [
        {
          title: "T",
          rows: [
            ["a", "|"],
            [text, "|"],
          ] as const,
        },
      ];
      return helpText({ usage: "x", about: text.repeat(3), sections }, 60).split("\n");
    },
  ],
  ["the table of results", (text) => resultTable(titled(text), 100, colors)],
  ["the table of results, cut", (text) => resultTable(titled(text.repeat(3)), 60, colors)],
  [
    "the list of scenarios",
    (text) => listing([scenario("a", { title: text.repeat(3) })], 60).split("\n"),
  ],
  [
    "a table of inspect",
    (text) =>
      table(
        ["a", "b", "c"],
        [
          [text, "|", text],
          ["d", "|", "e"],
        ],
        style,
      ),
  ],
  ["a text of inspect", (text) => drawn(text.repeat(4), 60, 2)],
];

for (const [drawer, draw] of drawers) {
  test.each(Object.entries(texts))(`${drawer} counts columns, not characters: %s`, (_, text) => {
    const widths = draw(text).map((line) => Bun.stringWidth(line));
    expect(Math.max(...widths)).toBeLessThanOrEqual(drawer === "the table of results" ? 100 : 60);
    const marks = draw(text).flatMap((line) => {
      const at = line.indexOf("|");
      return at < 0 ? [] : [Bun.stringWidth(line.slice(0, at))];
    });
    expect(new Set(marks).size).toBe(marks.length === 0 ? 0 : 1);
  });
}

test("parts of a line break where the whole line does; two spaces together are not lost", () => {
  expect(foldedParts(["one two", " three", " four"], 9, 2)).toEqual([
    "one two",
    "\n  three",
    "\n  four",
  ]);
  expect(foldedParts(["one  two", "  three"], 5, 0).join("").replaceAll("\n", " ")).toBe(
    "one  two  three",
  );
  expect(foldedParts(["short"], 9, 2)).toEqual(["short"]);
});
