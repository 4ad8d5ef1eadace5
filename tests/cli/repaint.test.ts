import { expect, test } from "bun:test";
import { Repaint } from "../../src/cli/repaint.ts";

const screen = { columns: 20, rows: 5 };
const [up, clear, below] = ["\u001b[2A", "\u001b[2K", "\u001b[J"];

test("only lines that have changed are written", () => {
  const repaint = new Repaint();
  expect(repaint.paint(["a", "b"], screen)).toBe(`${clear}a\n${clear}b\n`);
  expect(repaint.paint(["a", "b"], screen)).toBe("");
  expect(repaint.paint(["a", "c"], screen)).toBe(`${up}\n${clear}c\n`);
  expect(repaint.paint(["a"], screen)).toBe(`${up}\n${below}`);
});

test("more lines than the terminal has are cut, and counted", () => {
  const text = new Repaint().paint(["1", "2", "3", "4", "5", "6"], { columns: 80, rows: 5 });
  expect(Bun.stripANSI(text)).toBe("1\n2\n3\n(3 more lines: the terminal is too low)\n");
});

test("after a change of size all is written anew", () => {
  const repaint = new Repaint();
  repaint.paint(["a"], screen);
  expect(repaint.paint(["a"], { columns: 10, rows: 5 })).toBe("\u001b[2J\u001b[Ha\n");
});
