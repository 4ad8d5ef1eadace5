import { expect, test } from "bun:test";
import { chart, type Panel } from "../../src/load/report/chart.ts";

const point = (x: number, y: number) => ({ x, y, min: y * 0.9, max: y * 1.2 });
const panels: readonly Panel[] = [
  {
    title: "Fan-out",
    horizontal: "subscribers",
    series: [
      { name: "a<b", points: [point(1, 9), point(100, 0.3)] },
      { name: "mqttd", points: [point(1, 8), point(100, 0.31)] },
    ],
  },
  {
    title: "Beside filters",
    horizontal: "filters",
    series: [{ name: "mqttd", points: [point(10, 4)] }],
  },
];

/** Every tag of the text, which has to be closed; returns the names. */
function tagsOf(svg: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  for (const [, close, name = "", own] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
    if (close === "/") expect(open.pop()).toBe(name);
    else {
      names.push(name);
      if (own !== "/") open.push(name);
    }
  }
  expect(open).toEqual([]);
  return names;
}

test("a chart is well formed, with a line for each broker and a mark for each point", () => {
  const svg = chart("Cost & size", "µs of CPU a message", panels);
  const names = tagsOf(svg);
  expect(svg.match(/class="line"/g)).toHaveLength(3);
  expect(svg.match(/class="mark"/g)).toHaveLength(5);
  expect(names.filter((name) => name === "circle")).toHaveLength(2);
  expect(svg).toContain('aria-label="Cost &amp; size"');
  expect(svg).toContain(">a&lt;b</text>");
});

test("every axis says what it counts, in which unit", () => {
  const svg = chart("Cost", "µs of CPU a message", panels);
  expect(svg.match(/µs of CPU a message/g)).toHaveLength(2);
  expect(svg).toContain(">subscribers</text>");
  expect(svg).toContain(">filters</text>");
});

test("it follows the reader's colour scheme", () => {
  const svg = chart("Cost", "µs", panels);
  const [light = "", dark = ""] = svg.split("@media (prefers-color-scheme: dark)");
  for (const part of [light, dark])
    for (const name of ["--paper", "--ink", "--faint", ".s1"]) expect(part).toContain(name);
  expect(dark).not.toContain("undefined");
});

test("points are inside their panel, and names do not cover each other", () => {
  const svg = chart("Cost", "µs", panels);
  for (const [, x, y] of svg.matchAll(/<circle class="mark" cx="([\d.]+)" cy="([\d.]+)"/g)) {
    expect(Number(x)).toBeWithin(62, 317);
    expect(Number(y)).toBeWithin(44, 255);
  }
  const heights = [...svg.matchAll(/class="name" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) =>
    Number(y),
  );
  expect(Math.abs((heights[0] ?? 0) - (heights[1] ?? 0))).toBeGreaterThanOrEqual(14);
});
