/** A chart of cost against size: panels beside each other, each with its own numbers on both axes. */
export interface Panel {
  readonly title: string;
  /** What the horizontal axis counts. */
  readonly horizontal: string;
  readonly series: readonly Series[];
}

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
}

/** Numbers above 0: both axes are logarithmic. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly min: number;
  readonly max: number;
}

const panelWidth = 400;
const panelHeight = 300;
const plot = { left: 62, right: 84, top: 44, bottom: 46 };
const heading = 34;
const columns = 2;

/** Distinct in both colour schemes, and by their markers without any colour. */
const marks = [
  { light: "#0b62c4", dark: "#6cb2ff", marker: "circle" },
  { light: "#b3470b", dark: "#ffa060", marker: "square" },
  { light: "#4a7d16", dark: "#9cd060", marker: "diamond" },
  { light: "#8a3fa0", dark: "#d79ce8", marker: "triangle" },
] as const;

/**
 * The chart as SVG. It follows the reader's colour scheme, and every number has its unit: `vertical`
 * names the vertical axis of all panels.
 */
export function chart(title: string, vertical: string, panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const rowCount = Math.ceil(panels.length / columns);
  const width = panelWidth * Math.min(columns, panels.length);
  const height = heading + panelHeight * rowCount;
  const body = panels.map((panel, index) => {
    const left = (index % columns) * panelWidth;
    const top = heading + Math.floor(index / columns) * panelHeight;
    return `<g transform="translate(${left} ${top})">\n${panelText(panel, vertical, names)}\n</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>\n${styles(names.length)}\n</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="title" x="16" y="24">${escaped(title)}</text>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}

function styles(count: number): string {
  const used = marks.slice(0, Math.max(1, count));
  const colors = (scheme: "light" | "dark") =>
    used.map((mark, at) => `.s${at} { --own: ${mark[scheme]}; }`).join(" ");
  return [
    "svg { --paper: #ffffff; --ink: #1f2328; --faint: #d5d9de; }",
    colors("light"),
    "@media (prefers-color-scheme: dark) {",
    "svg { --paper: #0d1117; --ink: #e6edf3; --faint: #30363d; }",
    colors("dark"),
    "}",
    "text { font: 12px system-ui, sans-serif; fill: var(--ink); }",
    ".title { font-size: 15px; font-weight: 600; } .panel { font-weight: 600; }",
    ".paper { fill: var(--paper); } .grid { stroke: var(--faint); }",
    ".line { fill: none; stroke: var(--own); stroke-width: 2; }",
    ".range { stroke: var(--own); stroke-width: 1; } .mark { fill: var(--own); }",
    ".name { fill: var(--own); font-weight: 600; }",
  ].join("\n");
}

function panelText(panel: Panel, vertical: string, names: readonly string[]): string {
  const points = panel.series.flatMap((series) => series.points);
  const x = new Axis(
    points.map((point) => point.x),
    plot.left,
    panelWidth - plot.right,
  );
  const y = new Axis(
    points.flatMap((point) => [point.min, point.max]),
    panelHeight - plot.bottom,
    plot.top,
  );
  const right = panelWidth - plot.right;
  const bottom = panelHeight - plot.bottom;
  const grid = [
    ...y.ticks.map(
      (tick) =>
        `<path class="grid" d="M${plot.left} ${y.at(tick)}H${right}"/>` +
        `<text x="${plot.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${tickText(tick)}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<path class="grid" d="M${x.at(tick)} ${plot.top}V${bottom}"/>` +
        `<text x="${x.at(tick)}" y="${bottom + 16}" text-anchor="middle">${tickText(tick)}</text>`,
    ),
  ];
  const ends = spreadOut(
    panel.series.map(({ points: own }) => {
      const last = own.at(-1);
      return last === undefined ? bottom : y.at(last.y);
    }),
  );
  const series = panel.series.map(({ name, points: own }, at) => {
    const index = names.indexOf(name) % marks.length;
    const path = own.map((point, n) => `${n === 0 ? "M" : "L"}${x.at(point.x)} ${y.at(point.y)}`);
    const last = own.at(-1);
    return [
      `<g class="s${index}">`,
      `<path class="line" d="${path.join("")}"/>`,
      ...own.map((point) => rangeOf(x.at(point.x), y.at(point.min), y.at(point.max))),
      ...own.map((point) => markOf(index, x.at(point.x), y.at(point.y))),
      last === undefined
        ? ""
        : `<text class="name" x="${x.at(last.x) + 9}" y="${(ends[at] ?? 0) + 4}">${escaped(name)}</text>`,
      "</g>",
    ].join("");
  });
  return [
    `<text class="panel" x="16" y="16">${escaped(panel.title)}</text>`,
    `<text x="16" y="${plot.top - 10}">${escaped(vertical)}</text>`,
    ...grid,
    ...series,
    `<text x="${(plot.left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${escaped(panel.horizontal)}</text>`,
  ].join("\n");
}

/** A logarithmic axis. */
class Axis {
  readonly ticks: readonly number[];
  readonly #low: number;
  readonly #high: number;
  readonly #from: number;
  readonly #to: number;

  constructor(values: readonly number[], from: number, to: number) {
    const low = Math.floor(Math.log10(Math.min(...values)) + 1e-9);
    const high = Math.ceil(Math.log10(Math.max(...values)) - 1e-9);
    this.#low = low;
    this.#high = Math.max(high, low + 1);
    this.#from = from;
    this.#to = to;
    this.ticks = Array.from({ length: this.#high - low + 1 }, (_, at) => 10 ** (low + at));
  }

  at(value: number): number {
    const share = (Math.log10(value) - this.#low) / (this.#high - this.#low);
    return Math.round((this.#from + share * (this.#to - this.#from)) * 10) / 10;
  }
}

const nameHeight = 14;

/** Heights of names that would overlap, moved apart. */
function spreadOut(heights: readonly number[]): number[] {
  const moved = heights.map((height, index) => ({ height, index }));
  moved.sort((a, b) => a.height - b.height);
  for (let at = 1; at < moved.length; at++) {
    const own = moved[at];
    const above = moved[at - 1];
    if (own !== undefined && above !== undefined) {
      own.height = Math.max(own.height, above.height + nameHeight);
    }
  }
  moved.sort((a, b) => a.index - b.index);
  return moved.map(({ height }) => height);
}

function rangeOf(x: number, low: number, high: number): string {
  return low === high
    ? ""
    : `<path class="range" d="M${x} ${low}V${high}M${x - 3} ${low}h6M${x - 3} ${high}h6"/>`;
}

function markOf(index: number, x: number, y: number): string {
  switch (marks[index]?.marker) {
    case "square":
      return `<rect class="mark" x="${x - 3.5}" y="${y - 3.5}" width="7" height="7"/>`;
    case "diamond":
      return `<path class="mark" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z"/>`;
    case "triangle":
      return `<path class="mark" d="M${x} ${y - 5}l5 9h-10z"/>`;
    default:
      return `<circle class="mark" cx="${x}" cy="${y}" r="4"/>`;
  }
}

/** 0.1, 1, 10, ..., 10 k, 100 k. */
function tickText(value: number): string {
  if (value >= 1e6) return `${value / 1e6} M`;
  return value >= 1e4 ? `${value / 1e3} k` : String(Number(value.toPrecision(1)));
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
